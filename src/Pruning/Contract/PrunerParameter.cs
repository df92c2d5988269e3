using System.Globalization;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// A parameter of a pruning method. Its name makes the request key (<c>d2pruner.NAME</c>), the configuration key (<c>Parameters:NAME</c>)
/// and the flag (<c>--NAME</c> with dashes); methods that share a name mean the same by it.
/// </summary>
public sealed record PrunerParameter
{
    private PrunerParameter()
    {
    }

    /// <summary>Name in snake_case.</summary>
    public required string Name { get; init; }

    /// <summary>What it does, one sentence.</summary>
    public required string Help { get; init; }

    /// <summary>Value in force where none is given: a <see cref="double"/>, or a <see cref="string"/> where
    /// there are <see cref="Choices"/>.</summary>
    public required object Default { get; init; }

    /// <summary>Smallest number.</summary>
    public double Minimum { get; private init; }

    /// <summary>Largest number.</summary>
    public double Maximum { get; private init; }

    /// <summary>Only whole numbers.</summary>
    public bool IsWhole { get; private init; }

    /// <summary>The texts to choose from; empty for numbers.</summary>
    public IReadOnlyList<string> Choices { get; private init; } = [];

    /// <summary>The range in words.</summary>
    public string Range => Choices.Count > 0 ? string.Join(" | ", Choices)
        : string.Create(CultureInfo.InvariantCulture, $"{Minimum}..{Maximum}{(IsWhole ? ", whole" : "")}");

    /// <summary>A number.</summary>
    /// <param name="name">Name in snake_case.</param>
    /// <param name="value">Default.</param>
    /// <param name="minimum">Smallest value.</param>
    /// <param name="maximum">Largest value.</param>
    /// <param name="help">What it does, one sentence.</param>
    public static PrunerParameter Number(string name, double value, double minimum, double maximum, string help) =>
        new() { Name = name, Help = help, Default = value, Minimum = minimum, Maximum = maximum };

    /// <summary>A whole number.</summary>
    /// <inheritdoc cref="Number"/>
    public static PrunerParameter Whole(string name, int value, int minimum, int maximum, string help) =>
        new() { Name = name, Help = help, Default = (double)value, Minimum = minimum, Maximum = maximum, IsWhole = true };

    /// <summary>One of several texts.</summary>
    /// <param name="name">Name in snake_case.</param>
    /// <param name="value">Default, one of the choices.</param>
    /// <param name="choices">What may be given; upper and lower case are the same.</param>
    /// <param name="help">What it does, one sentence.</param>
    public static PrunerParameter Choice(string name, string value, IReadOnlyList<string> choices, string help) =>
        new() { Name = name, Help = help, Default = value, Choices = choices };

    /// <summary>The value as this parameter holds it (a <see cref="double"/> or one of <see cref="Choices"/>).</summary>
    /// <param name="value">A number, a text that holds one, an enum value or a choice.</param>
    /// <param name="label">What the message calls it; null is <see cref="Name"/>.</param>
    /// <exception cref="ArgumentException">It is not such a value, or out of range; the message says
    /// what was found and expected.</exception>
    public object Read(object value, string? label = null)
    {
        label ??= Name;
        var text = Convert.ToString(value, CultureInfo.InvariantCulture);
        if (Choices.Count > 0)
        {
            return Choices.FirstOrDefault(c => c.Equals(text?.Trim(), StringComparison.OrdinalIgnoreCase))
                ?? throw new ArgumentException($"{label} is {text}; expected one of {string.Join(", ", Choices)}.", Name);
        }

        if (value is bool or char || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            throw new ArgumentException($"{label} is '{text}'; expected a number.", Name);
        if (!(number >= Minimum && number <= Maximum))
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{label} is {number}; it must lie between {Minimum} and {Maximum}."), Name);
        if (IsWhole && number != Math.Truncate(number))
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{label} is {number}; it must be a whole number."), Name);
        return number;
    }
}
