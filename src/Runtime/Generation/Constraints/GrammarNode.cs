namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>A node of a grammar over bytes. Nodes may be shared; recursion goes through <see cref="Reference"/>.</summary>
internal abstract class GrammarNode
{
    /// <summary>Index among the grammar's nodes.</summary>
    public required int Id { get; init; }

    /// <summary>One byte of a set.</summary>
    internal sealed class Bytes(ByteSet set) : GrammarNode
    {
        public ByteSet Set => set;

        /// <summary>One of the sets that begin any plain character of a JSON string; see <see cref="Repeat.OfCharacters"/>.</summary>
        public bool StartsCharacter { get; init; }
    }

    /// <summary>Exactly these bytes; never empty.</summary>
    internal sealed class Literal(byte[] text) : GrammarNode
    {
        public byte[] Text => text;
    }

    /// <summary>One after the other.</summary>
    internal sealed class Sequence(GrammarNode[] parts) : GrammarNode
    {
        public GrammarNode[] Parts => parts;
    }

    /// <summary>One of several; none at all matches nothing.</summary>
    internal sealed class Choice(GrammarNode[] options) : GrammarNode
    {
        public GrammarNode[] Options => options;
    }

    /// <summary>The body, from Min to Max times (Max below 0: without end).</summary>
    internal sealed class Repeat(GrammarNode body, int min, int max) : GrammarNode
    {
        public GrammarNode Body => body;

        public int Min => min;

        public int Max => max;

        /// <summary>The body is a character of a JSON string, any plain one allowed: whole tokens of plain text need no walk.</summary>
        public bool OfCharacters { get; init; }
    }

    /// <summary>A node that is known later: recursion.</summary>
    internal sealed class Reference : GrammarNode
    {
        public GrammarNode? Target { get; set; }
    }

    /// <summary>Any text, which may end anywhere; once the marker appears in it, <see cref="After"/> follows.</summary>
    internal sealed class Until(byte[] marker) : GrammarNode
    {
        private readonly int[] _fallback = Fallback(marker);

        public int Length => marker.Length;

        public GrammarNode? After { get; set; }

        /// <summary>Bytes of the marker seen after one more byte (Knuth, Morris, Pratt).</summary>
        public int Step(int seen, byte b)
        {
            while (seen > 0 && marker[seen] != b) seen = _fallback[seen - 1];
            return marker[seen] == b ? seen + 1 : 0;
        }

        private static int[] Fallback(byte[] m)
        {
            var table = new int[m.Length];
            for (int i = 1, k = 0; i < m.Length; i++)
            {
                while (k > 0 && m[i] != m[k]) k = table[k - 1];
                if (m[i] == m[k]) k++;
                table[i] = k;
            }

            return table;
        }
    }
}
