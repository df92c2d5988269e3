namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>Words without their apostrophe that the VQA answer processors mend. Words are lower-cased before, so keys
/// with a capital I never match.</summary>
internal static class VqaContractions
{
    private const string One = "ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd how'll " +
        "how's I'm I've isn't it'd it'll ma'am " +
        "mightn't might've mustn't must've needn't not've o'clock oughtn't shan't should've shouldn't somebody'll somebody's someone'd " +
        "someone'll someone's " +
        "something'd something'll that's there'd there're there's they'd they'll they're they've 'twas wasn't we've weren't what'll " +
        "what're what's what've " +
        "when's where'd where's where've who'd who'll who's who've why'll why're why's won't would've wouldn't y'all you'd you'll " +
        "you're you've";

    private const string Two = "couldn't've hadn't've he'd've I'd've it'd've mightn't've she'd've shouldn't've somebody'd've " +
        "someone'd've something'd've there'd've they'd've we'd've " +
        "who'd've wouldn't've y'all'll you'd've";

    private static readonly Dictionary<string, string> Map = Create();

    /// <summary>The mended word, or the word itself.</summary>
    public static string Mend(string word) => Map.GetValueOrDefault(word, word);

    private static Dictionary<string, string> Create()
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["somebody'd"] = "somebodyd",
            ["ow's'at"] = "'ow's'at", ["'ows'at"] = "'ow's'at", ["'ow'sat"] = "'ow's'at",
            ["yall'd've"] = "y'all'd've", ["y'alld've"] = "y'all'd've", ["y'all'dve"] = "y'all'd've",
        };
        foreach (var word in One.Split(' ')) map[word.Replace("'", "")] = word;
        foreach (var word in Two.Split(' '))
        {
            map[word.Remove(word.IndexOf('\''), 1)] = word;
            map[word.Remove(word.LastIndexOf('\''), 1)] = word;
        }

        return map;
    }
}
