namespace D2Pruner.AI.Runtime.Generation.Constraints.Json;

/// <summary>The parts of JSON text. White space is bounded, so that an answer cannot drift away in it.</summary>
internal sealed class JsonGrammar
{
    private const int MostIndentation = 24;
    private const int MostKeyCharacters = 30_000;
    private readonly GrammarBuilder _b;
    private GrammarNode? _space;
    private GrammarNode? _character;
    private GrammarNode? _keyCharacter;
    private GrammarNode? _keyRest;
    private GrammarNode? _beyondAscii;
    private GrammarNode.Reference? _value;
    private GrammarNode? _object;
    private GrammarNode? _array;
    private GrammarNode? _number;

    public JsonGrammar(GrammarBuilder builder)
    {
        _b = builder;
        Digit = builder.Bytes('0', '9');
        Hex = builder.Bytes("0123456789abcdefABCDEF");
    }

    public GrammarNode Digit { get; }

    public GrammarNode Hex { get; }

    /// <summary>White space between tokens: nothing, one space, or a line break with indentation.</summary>
    public GrammarNode Space => _space ??= _b.Choice(
        _b.Empty,
        _b.Literal(" "),
        _b.Sequence(_b.Literal("\n"),
            _b.Choice(_b.Repeat(_b.Literal(" "), 0, MostIndentation), _b.Repeat(_b.Literal("\t"), 1, MostIndentation / 2))));

    /// <summary>Any value.</summary>
    public GrammarNode Value
    {
        get
        {
            if (_value is not null) return _value;
            _value = _b.Reference();
            _value.Target = _b.Choice(Object, Array, String(0, -1), Number, Boolean(), Null());
            return _value;
        }
    }

    /// <summary>Any object.</summary>
    public GrammarNode Object
    {
        get
        {
            if (_object is not null) return _object;
            var self = _b.Reference();
            _object = self;
            self.Target = Members(Pair(Key([]), Value));
            return _object;
        }
    }

    /// <summary>Any array.</summary>
    public GrammarNode Array
    {
        get
        {
            if (_array is not null) return _array;
            var self = _b.Reference();
            _array = self;
            self.Target = Items(Value, 0, -1);
            return _array;
        }
    }

    public GrammarNode ObjectOrArray => _b.Choice(Object, Array);

    /// <summary>Any number of up to 15 digits and 9 zeros: of a size that decimal takes, too.</summary>
    public GrammarNode Number => _number ??= _b.Sequence(
        _b.Optional(_b.Literal("-")),
        _b.Choice(_b.Literal("0"), _b.Sequence(_b.Bytes('1', '9'), _b.Repeat(Digit, 0, 14))),
        _b.Optional(Fraction()),
        _b.Optional(_b.Sequence(_b.Bytes("eE"),
            _b.Choice(_b.Sequence(_b.Optional(_b.Literal("+")), Digit), _b.Sequence(_b.Literal("-"), _b.Repeat(Digit, 1, 2))))));

    public GrammarNode Boolean() => _b.Choice(_b.Literal("true"), _b.Literal("false"));

    public GrammarNode Null() => _b.Literal("null");

    public GrammarNode Fraction() => _b.Sequence(_b.Literal("."), _b.Repeat(Digit, 1, 15));

    public GrammarNode Comma() => _b.Sequence(_b.Literal(","), Space);

    /// <summary>A value as a whole text: at most one space or line break before it (some vocabularies
    /// begin every text with a space).</summary>
    public GrammarNode Document(GrammarNode value) => _b.Sequence(_b.Choice(_b.Empty, _b.Bytes(" \n")), value);

    /// <summary>A string of so many code points; max below 0 is without end.</summary>
    public GrammarNode String(int min, int max) => Quoted(_b.Repeat(_character ??= Character(escapes: true), min, max, ofCharacters: true));

    public GrammarNode Quoted(GrammarNode inside) => _b.Sequence(_b.Literal("\""), inside, _b.Literal("\""));

    public GrammarNode Pair(GrammarNode key, GrammarNode value) => _b.Sequence(key, _b.Literal(":"), Space, value);

    /// <summary>An object of any number of equal pairs.</summary>
    public GrammarNode Members(GrammarNode pair) =>
        _b.Sequence(_b.Literal("{"), Space, _b.Optional(_b.Sequence(pair, _b.Repeat(_b.Sequence(Comma(), pair), 0, -1))), Space,
            _b.Literal("}"));

    /// <summary>An array of equal items; max below 0 is without end.</summary>
    public GrammarNode Items(GrammarNode item, int min, int max)
    {
        if (max >= 0 && max < min) return _b.Never();
        var some = max == 0 ? _b.Empty
            : _b.Sequence(item, _b.Repeat(_b.Sequence(Comma(), item), Math.Max(0, min - 1), max < 0 ? -1 : max - 1));
        return _b.Sequence(_b.Literal("["), Space, min == 0 && max != 0 ? _b.Optional(some) : some, Space, _b.Literal("]"));
    }

    /// <summary>A key of at least one character, without escapes, that is none of some names (so that no key
    /// comes twice in two spellings).</summary>
    /// <exception cref="NotSupportedException">The names have too many characters together.</exception>
    public GrammarNode Key(IReadOnlyCollection<string> names)
    {
        string[] sorted = [.. names.Where(n => n.Length > 0 && !n.Any(c => c is '"' or '\\' or < ' ')).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];
        var other = sorted.Length > 0 ? Other(sorted) : _b.Sequence(_b.Repeat(KeyCharacter, 1, -1, ofCharacters: true), _b.Literal("\""));
        return _b.Sequence(_b.Literal("\""), other);
    }

    // The names as a tree, places before those that follow them; the grammar is then made from the
    // last place to the first: names may be long.
    private GrammarNode Other(string[] sorted)
    {
        var places = new List<KeyPlace> { new(0, sorted.Length, 0) };
        for (var i = 0; i < places.Count; i++)
        {
            if (places.Count > MostKeyCharacters)
                throw new NotSupportedException(
                    $"The JSON schema allows more properties beside names of over {MostKeyCharacters} characters in all. Use shorter " +
                    "names, or additionalProperties: false.");
            var (from, to, at) = places[i];
            for (; from < to; from++)
            {
                if (sorted[from].Length == at)
                {
                    places[i].EndsName = true;
                    continue;
                }

                var c = sorted[from][at];
                var end = from + 1;
                while (end < to && sorted[end][at] == c) end++;
                if (c < 0x80)
                {
                    places[i].Next.Add((c, places.Count));
                    places.Add(new KeyPlace(from, end, at + 1));
                }
                else
                {
                    places[i].BeyondAscii = true;
                }

                from = end - 1;
            }
        }

        var nodes = new GrammarNode[places.Count];
        for (var i = places.Count - 1; i >= 0; i--) nodes[i] = Other(places[i], nodes);
        return nodes[0];
    }

    // What follows at a place: another character and any rest, the next of a name, or the end where no name ends.
    private GrammarNode Other(KeyPlace place, GrammarNode[] nodes)
    {
        var options = new List<GrammarNode>();
        if (place.At > 0 && !place.EndsName) options.Add(_b.Literal("\""));
        var used = default(ByteSet);
        foreach (var (c, next) in place.Next)
        {
            used = used.With((byte)c);
            options.Add(_b.Sequence(_b.Literal(c.ToString()), nodes[next]));
        }

        _keyRest ??= _b.Sequence(_b.Repeat(KeyCharacter, 0, -1, ofCharacters: true), _b.Literal("\""));
        options.Add(_b.Sequence(Ascii(used, flagged: false), _keyRest));
        // Of names beyond ASCII, the whole of what is not ASCII is left out at that place.
        if (!place.BeyondAscii) options.Add(_b.Sequence(_beyondAscii ??= BeyondAscii(flagged: false), _keyRest));
        return _b.Choice([.. options]);
    }

    private GrammarNode KeyCharacter => _keyCharacter ??= Character(escapes: false);

    private GrammarNode Character(bool escapes) => escapes ? _b.Choice(Plain(), Escape()) : Plain();

    // A character of well-formed UTF-8 (Unicode, table 3-7) that needs no escape.
    private GrammarNode Plain() => _b.Choice(Ascii(default, flagged: true), BeyondAscii(flagged: true));

    private GrammarNode Ascii(ByteSet without, bool flagged) =>
        _b.Bytes(ByteSet.Range(0x20, 0x7F).Except(ByteSet.Of("\"\\")).Except(without), flagged);

    private GrammarNode BeyondAscii(bool flagged)
    {
        var tail = _b.Bytes(0x80, 0xBF);
        GrammarNode First(int low, int high) => _b.Bytes(ByteSet.Range(low, high), flagged);
        return _b.Choice(
            _b.Sequence(First(0xC2, 0xDF), tail),
            _b.Sequence(First(0xE0, 0xE0), _b.Bytes(0xA0, 0xBF), tail),
            _b.Sequence(First(0xE1, 0xEC), tail, tail),
            _b.Sequence(First(0xED, 0xED), _b.Bytes(0x80, 0x9F), tail),
            _b.Sequence(First(0xEE, 0xEF), tail, tail),
            _b.Sequence(First(0xF0, 0xF0), _b.Bytes(0x90, 0xBF), tail, tail),
            _b.Sequence(First(0xF1, 0xF3), tail, tail, tail),
            _b.Sequence(First(0xF4, 0xF4), _b.Bytes(0x80, 0x8F), tail, tail));
    }

    // One code point: a surrogate comes with its other half only.
    private GrammarNode Escape() => _b.Sequence(
        _b.Literal("\\"),
        _b.Choice(
            _b.Bytes("\"\\/bfnrt"),
            _b.Sequence(
                _b.Literal("u"),
                _b.Choice(
                    _b.Sequence(_b.Bytes("0123456789abcefABCEF"), Hex, Hex, Hex),
                    _b.Sequence(_b.Bytes("dD"), _b.Bytes("01234567"), Hex, Hex),
                    _b.Sequence(_b.Bytes("dD"), _b.Bytes("89abAB"), Hex, Hex, _b.Literal("\\u"), _b.Bytes("dD"),
                        _b.Bytes("cdefCDEF"), Hex, Hex)))));

    // Names [From, To) of the sorted ones share their first At characters.
    private sealed record KeyPlace(int From, int To, int At)
    {
        public List<(char Character, int Place)> Next { get; } = [];

        public bool EndsName { get; set; }

        public bool BeyondAscii { get; set; }
    }
}
