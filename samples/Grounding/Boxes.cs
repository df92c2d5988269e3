using System.ComponentModel.DataAnnotations;

namespace D2Pruner.AI.Samples.Grounding;

/// <summary>What a typed answer holds: its schema goes to the model as a constraint, its boxes come back as numbers.</summary>
internal sealed record Boxes([property: MinLength(1)] Found[] Items);

/// <summary>One thing: left, top, right and bottom side, in the model's own coordinates.</summary>
internal sealed record Found([property: Length(4, 4)] double[] Box);
