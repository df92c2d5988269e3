using System.Text.Json;
using System.Text.Json.Serialization;

namespace D2Pruner.AI;

/// <summary>Elements of schemas, which may nest deeper than messages.</summary>
[JsonSourceGenerationOptions(MaxDepth = 1024)]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class SchemaJson : JsonSerializerContext;
