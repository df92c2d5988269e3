using System.Text.Json;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace D2Pruner.AI;

/// <summary>
/// Eyes for a chat model that has none: <c>describe_image</c>, <c>ask_image</c>, <c>locate_objects</c>, <c>read_text</c> and
/// <c>compare_images</c>
/// through a vision-language model. Images are named by id or by a path below an allowed folder, see <see cref="VisionImages"/>; the
/// calling model never handles their bytes. Every call answers with short JSON, also after a failure, so that the caller can correct
/// itself. Safe for concurrent use.
/// </summary>
public sealed partial class VisionTools
{
    private readonly IChatClient client;
    private readonly VisionToolOptions options;
    private readonly IImageSource source;
    private readonly ILogger logger;

    /// <summary>Creates the tools.</summary>
    /// <param name="client">The client that looks at images; borrowed.</param>
    /// <param name="images">The images it may look at.</param>
    /// <param name="options">Prompts and limits, copied; null takes the defaults.</param>
    /// <param name="loggerFactory">Where failures of the model are logged; null logs nowhere.</param>
    /// <exception cref="System.ComponentModel.DataAnnotations.ValidationException">The options are invalid.</exception>
    public VisionTools(IChatClient client, VisionImages images, VisionToolOptions? options = null, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(images);
        this.client = client;
        Images = images;
        source = images;
        this.options = (options ?? new VisionToolOptions()).Validated();
        logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger<VisionTools>();
        Functions = [.. VisionToolDefinition.All.Select(d => new VisionFunction(this, d))];
    }

    private VisionTools(VisionTools other, IImageSource source)
    {
        (client, options, logger, Images, this.source) = (other.client, other.options, other.logger, other.Images, source);
        Functions = [.. VisionToolDefinition.All.Select(d => new VisionFunction(this, d))];
    }

    /// <summary>Names of the tools.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. VisionToolDefinition.All.Select(d => d.Name)];

    /// <summary>The tools as functions for any agent: they take texts and answer with the JSON of <see cref="VisionToolResult"/>.</summary>
    public IReadOnlyList<AIFunction> Functions { get; }

    /// <summary>The images that may be named.</summary>
    public VisionImages Images { get; }

    /// <summary>Calls a tool.</summary>
    /// <param name="name">Its name, e.g. <c>ask_image</c>.</param>
    /// <param name="arguments">Its arguments; texts, or JSON elements that hold texts.</param>
    /// <param name="progress">Told what is being done; null tells nobody.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The result; failures are results too, by kind.</returns>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public async Task<VisionToolResult> InvokeAsync(
        string name, IReadOnlyDictionary<string, object?> arguments, IProgress<VisionToolProgress>? progress = null,
            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(arguments);
        return VisionToolDefinition.All.FirstOrDefault(d => d.Name == name) is { } tool
            ? await InvokeAsync(tool, arguments, progress, cancellationToken).ConfigureAwait(false)
            : Failed(name, new ArgumentException($"There is no tool '{Shorten(name)}'; there are {string.Join(", ", Names)}."));
    }

    internal async Task<VisionToolResult> InvokeAsync(
        VisionToolDefinition tool, IReadOnlyDictionary<string, object?> arguments, IProgress<VisionToolProgress>? progress,
            CancellationToken cancellationToken)
    {
        try
        {
            var texts = tool.Parameters.ToDictionary(p => p.Name, p => Argument(p, arguments));
            var look = new VisionLook(client, source, options, progress);
            var result = await tool.Action(look, n => texts[n], cancellationToken).ConfigureAwait(false);
            return new VisionToolResult { Json = result.Answer.ToJson(), Image = result.Image, Regions = result.Regions };
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            return Failed(tool.Name, e);
        }
    }

    /// <summary>The same tools over a conversation's images.</summary>
    internal VisionTools Over(ConversationImages images) => new(this, images);

    private VisionToolResult Failed(string tool, Exception e)
    {
        var kind = e.GetVisionErrorKind() ?? VisionErrorKind.Unavailable;
        var isOurs = kind is VisionErrorKind.Unavailable or VisionErrorKind.Internal;
        if (isOurs) LogFailure(e, tool);
        var message = (kind, options.IncludeDetailedErrors) switch
        {
            (VisionErrorKind.Unavailable, false) =>
                "The vision model is not available; asking again does not help until somebody has looked after it.",
            (VisionErrorKind.Internal, false) => "The vision model failed.",
            _ => e.Message,
        };
        var answer = new VisionAnswer
        {
            Error = message,
            Kind = JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString()),
            Available = e is ImageAccessDeniedException ? source.Names(20) : null,
        };
        return new VisionToolResult { Json = answer.ToJson(), ErrorKind = kind };
    }

    private string Argument(VisionToolParameter parameter, IReadOnlyDictionary<string, object?> arguments)
    {
        var text = arguments.GetValueOrDefault(parameter.Name) switch
        {
            string s => s,
            null or JsonElement { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
            JsonElement { ValueKind: JsonValueKind.String } json => Text(parameter, json),
            JsonElement json => throw new ArgumentException(
                $"The argument '{parameter.Name}' is JSON of kind {json.ValueKind}; expected a text."),
            var other => throw new ArgumentException(
                $"The argument '{parameter.Name}' is of type {other.GetType().Name}; expected a text."),
        };
        if (parameter.IsRequired && string.IsNullOrWhiteSpace(text))
            throw new ArgumentException($"The argument '{parameter.Name}' is missing or empty.");
        if (text?.Length > options.MaxArgumentLength)
            throw new RequestTooLargeException(
                $"The argument '{parameter.Name}' has {text.Length} characters, more than the {options.MaxArgumentLength} allowed.");
        return text ?? "";
    }

    private static string Text(VisionToolParameter parameter, JsonElement json)
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair is JSON, but no text.
            throw new ArgumentException($"The argument '{parameter.Name}' is no valid text.");
        }
    }

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";

    [LoggerMessage(EventId = 1, EventName = "VisionToolFailed", Level = LogLevel.Error, Message = "The vision tool {Tool} failed.")]
    private partial void LogFailure(Exception e, string tool);
}
