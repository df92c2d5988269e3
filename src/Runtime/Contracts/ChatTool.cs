namespace D2Pruner.AI.Runtime;

/// <summary>A function that the model may ask to be called.</summary>
/// <param name="Name">The function's name.</param>
/// <param name="Description">What it does; null writes no description.</param>
/// <param name="ParametersJson">JSON schema of its arguments: the text of a JSON object; key order is kept.</param>
public sealed record ChatTool(string Name, string? Description, string ParametersJson);
