using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace D2Pruner.AI.SemanticKernel;

/// <summary>A function's result, as JSON without what is absent.</summary>
internal sealed class VisionAnswer
{
    // A chat model reads it, not a web page: letters stay letters.
    private static readonly VisionAnswerJson Json = new(new JsonSerializerOptions(VisionAnswerJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public string? Image { get; init; }

    public IReadOnlyList<string>? Images { get; init; }

    public string? Answer { get; init; }

    public int? Width { get; init; }

    public int? Height { get; init; }

    public IReadOnlyList<LocatedObject>? Objects { get; init; }

    public IReadOnlyList<string>? NotFound { get; init; }

    public string? Error { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, Json.VisionAnswer);
}

/// <summary>Its serializer.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VisionAnswer))]
internal sealed partial class VisionAnswerJson : JsonSerializerContext;
