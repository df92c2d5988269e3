using System.Text.Json;
using D2Pruner.AI.Pruning;
using Microsoft.AspNetCore.Http;

namespace D2Pruner.AI.Server;

/// <summary><c>/v1/models</c>.</summary>
internal sealed class ModelsEndpoint(ServedModels models, PrunerRegistry pruners)
{
    public Task ListAsync(HttpContext context) => WriteAsync(context, json =>
    {
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (var model in models.All) Write(json, model);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    // A client that escapes the '/' of an id sends what neither the server nor routing undoes.
    public Task OneAsync(HttpContext context, string id) =>
        models.Find(id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase)) is { } model
        ? WriteAsync(context, json => Write(json, model))
        : ErrorResponse.WriteAsync(
            context.Response, ServerError.ModelNotFound($"The model '{(id.Length <= 128 ? id : id[..128])}' does not exist here."));

    private static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        var json = new Utf8JsonWriter(context.Response.BodyWriter, ServerJson.WriterOptions);
        await using (json.ConfigureAwait(false)) write(json);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private void Write(Utf8JsonWriter json, ServedModel model)
    {
        var info = model.Info;
        json.WriteStartObject();
        json.WriteString("id", model.Id);
        json.WriteString("object", "model");
        json.WriteNumber("created", model.Created);
        json.WriteString("owned_by", "d2pruner");
        json.WriteStartObject("d2pruner");
        json.WriteString("state", model.Status?.State.ToString().ToLowerInvariant() ?? "ready");
        json.WriteString("family", info?.Family);
        if (info is null) json.WriteNull("context");
        else json.WriteNumber("context", info.ContextLength);
        json.WriteString("dtype", info?.DType);
        json.WriteString("device", info?.Device);
        if (info is null) json.WriteNull("layers");
        else json.WriteNumber("layers", info.DecoderLayers);
        json.WriteStartArray("prior_layers");
        foreach (var layer in info?.PriorLayers ?? []) json.WriteNumberValue(layer);
        json.WriteEndArray();
        json.WriteStartArray("presets");
        foreach (var preset in Enum.GetNames<PruningPreset>()) json.WriteStringValue(preset.ToLowerInvariant());
        json.WriteEndArray();
        json.WriteStartArray("methods");
        foreach (var method in pruners.Names) json.WriteStringValue(method);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
