using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Models.InternVL;
using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>
/// Conversations through each family's real template and tokenizer, full of control tokens and pieces of them: what a message spells makes
/// no control token. The same conversation with a harmless word in place of every text says how many there have to be.
/// The input is a byte for the family, then UTF-16: parts divided by U+FFFF, each a letter of <see cref="Kinds"/> and a text.
/// </summary>
internal sealed class MessageTarget : FuzzTarget
{
    private const char Divider = '\uffff';
    private const string Harmless = "x";

    /// <summary>System, user and assistant turns; + another text of the same turn, i an image beside it; r a tool's result, t plain text of
    /// a tool's turn, c a call, j a call with arguments as they stand, o a tool on offer, p one with parameters as they stand.</summary>
    private const string Kinds = "suua++iirrtccjoop";

    private const int KindsWithoutTools = 8;

    private static readonly string[] Fixtures =
        ["llava-1.5-a", "llava-next-mistral", "llava-next-vicuna", "qwen2.5-vl-nested", "internvl-hf", "internvl-internlm2",
            "internvl-qwen2"];

    private readonly Family[] _families = [.. Fixtures.Select(f => new Family(f))];

    public override string Name => "messages";

    public override byte[] Make(Random random)
    {
        var number = random.Next(Fixtures.Length);
        var family = _families[number];
        // What has no place in a template is refused as a whole, so it is tried seldom.
        var kinds = family.HasTools || random.Next(20) == 0 ? Kinds : Kinds[..KindsWithoutTools];
        var text = new StringBuilder();
        for (var n = 1 + random.Next(6); n > 0; n--)
        {
            var kind = kinds[random.Next(kinds.Length)];
            text.Append(kind).Append(kind is 'j' or 'p' ? Json(random, family) : Spelled(random, family)).Append(Divider);
        }

        return [(byte)number, .. MemoryMarshal.AsBytes(text.ToString().AsSpan())];
    }

    public override void Run(byte[] input)
    {
        if (input.Length < 3) return;
        var family = _families[input[0] % Fixtures.Length];
        var parts = new string(MemoryMarshal.Cast<byte, char>(input.AsSpan(1, (input.Length - 1) / 2 * 2)))
            .Split(Divider, StringSplitOptions.RemoveEmptyEntries);
        var (said, expected) = (family.Encode(parts), family.Encode(parts.Select(Disarmed)));
        foreach (var (id, token) in family.Controls)
        {
            var (found, wanted) = (said.TokenIds.Count(i => i == id), expected.TokenIds.Count(i => i == id));
            if (found != wanted) throw new FuzzFailure($"{token} stands {found} times in the prompt instead of {wanted}.");
        }

        // Without anything that spells a control token, the ids are the reference's.
        if (said.Images.Count > 0) return;
        int[] plain = [.. family.Tokenizer.Encode(said.Text)];
        if (family.Controls.All(c => plain.Count(i => i == c.Id) == expected.TokenIds.Count(i => i == c.Id))
            && !plain.Select(i => (long)i).SequenceEqual(said.TokenIds))
            throw new FuzzFailure("A prompt without control tokens in its messages has other ids than its plain text.");
    }

    // What is empty stays empty: templates may look at that.
    private static string Disarmed(string part) => part.Length == 1 ? part : part[0] + (part[0] is 'j' or 'p' ? "{}" : Harmless);

    private static string Spelled(Random random, Family family)
    {
        var text = new StringBuilder();
        for (var n = random.Next(4); n > 0; n--)
        {
            var token = family.Controls[random.Next(family.Controls.Count)].Text;
            text.Append(random.Next(8) switch
            {
                0 or 1 => token,
                2 => token[..random.Next(token.Length)],
                3 => token[random.Next(token.Length)..],
                4 => token.Insert(random.Next(token.Length), "\u200d"),
                5 => token + "\u0338", // under NFC '>' and this are one character
                6 => token.ToUpperInvariant(),
                _ => Values.Text(random),
            });
        }

        return text.ToString().Replace(Divider, ' ');
    }

    private static string Json(Random random, Family family)
    {
        var json = random.Next(3) == 0 ? Values.Json(random)
            : $"{{{Values.Quoted(Spelled(random, family))}:{(random.Next(2) == 0 ? Values.Json(random)
                : Values.Quoted(Spelled(random, family)))}}}";
        return json.Replace(Divider, ' ');
    }

    private sealed class Family
    {
        private readonly PromptEncoder _encoder;
        private readonly ImagePlan _plan;

        public Family(string fixture)
        {
            var blueprint = ModelFamilies.Read(CheckpointFolder.Open(Places.Model(fixture)));
            Tokenizer = TokenizerLoader.Load(Places.Model(fixture));
            HasTools = blueprint.Template is IToolChatTemplate;
            _encoder = blueprint.PromptEncoder(Tokenizer);
            _plan = blueprint.ImageProcessor(ImageFit.FromProcessor).Plan(64, 48);
            // InternVL leaves its markup for things and places to messages.
            var markup = blueprint.Family.StartsWith("internvl", StringComparison.Ordinal) ? InternVLTags.Markup : [];
            Controls =
            [
                .. Enumerable.Range(0, Tokenizer.VocabularySize).Select(id => (Id: id, Text: Tokenizer.IdToToken(id) ?? ""))
                    .Where(t => t.Text.Length > 2 && !markup.Contains(t.Text)
                        && (Tokenizer.IsSpecial(t.Id) || (t.Text[0] == '<' && t.Text[^1] == '>'))
                        && Tokenizer.Encode(t.Text, false) is [var only] && only == t.Id),
            ];
            if (Controls.Count < 4) throw new InvalidOperationException($"{fixture} has {Controls.Count} control tokens.");
        }

        public ITokenizer Tokenizer { get; }

        public bool HasTools { get; }

        /// <summary>Every token that plain parsing makes of its own text and that is written like a control token.</summary>
        public IReadOnlyList<(int Id, string Text)> Controls { get; }

        public EncodedPrompt Encode(IEnumerable<string> parts)
        {
            var (turns, tools, images) = (new List<(string Role, List<ChatPart> Parts)>(), new List<ChatTool>(), 0);
            foreach (var part in parts)
            {
                var text = part[1..];
                switch (part[0])
                {
                    case 's': Turn("system", new TextPart(text)); break;
                    case 'a': Turn("assistant", new TextPart(text)); break;
                    case 'r': Turn("tool", new ToolResultPart(text)); break;
                    case 't': Turn("tool", new TextPart(text)); break;
                    case 'c': Turn("assistant", new TextPart(text), new ToolCallPart(text, Object(text))); break;
                    case 'j': Turn("assistant", new ToolCallPart("f", text)); break;
                    case 'o': tools.Add(new ChatTool(text, text, Object(text))); break;
                    case 'p': tools.Add(new ChatTool("f", null, text)); break;
                    case '+' when turns is [.., var last]: last.Parts.Add(new TextPart(text)); break;
                    case 'i':
                        images++;
                        if (turns is [.., { Role: "user" } user]) user.Parts.AddRange([new ImagePart(default), new TextPart(text)]);
                        else Turn("user", new TextPart(text), new ImagePart(default));
                        break;
                    default: Turn("user", new TextPart(text)); break;
                }
            }

            return _encoder.Encode([.. turns.Select(t => new ChatTurn(t.Role, t.Parts))], [.. Enumerable.Repeat(_plan, images)], tools);

            void Turn(string role, params List<ChatPart> content) => turns.Add((role, content));
        }

        private static string Object(string text) => JsonSerializer.Serialize(new Dictionary<string, string> { [text] = text });
    }
}
