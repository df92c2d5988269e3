using System.Diagnostics;
using System.Runtime.CompilerServices;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI;

/// <summary>
/// An <see cref="IChatClient"/> over a vision-language model in this process that drops visual tokens which do
/// not matter (D²Pruner, arXiv 2512.19443).
/// Safe for concurrent use: requests queue at the engine. It borrows its engine unless it was told to own it.
/// </summary>
public sealed partial class D2PrunerChatClient : IChatClient
{
    private readonly D2PrunerChatClientOptions options;
    private readonly IModelSource model;
    private readonly PrunerRegistry pruners;
    private readonly ChatClientMetadata metadata;
    private readonly UnsupportedOptions unsupported;
    private readonly OptionsMapper optionsMapper;
    private readonly MessageMapper messageMapper;
    private readonly IDisposable? owned;
    private readonly ILogger logger;
    private int disposed;
    private int cropIsLogged;

    /// <summary>Creates a client over a loaded engine.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="options">Settings, copied; null takes the defaults.</param>
    /// <param name="ownsEngine">True disposes the engine with the client.</param>
    /// <param name="loggerFactory">Where ignored options are logged; null logs nowhere.</param>
    /// <param name="pruners">The known pruning methods; null takes those of this library.</param>
    /// <exception cref="ArgumentNullException"><paramref name="engine"/> is null.</exception>
    /// <exception cref="ArgumentException">The options are invalid; the message lists every problem.</exception>
    public D2PrunerChatClient(
        VisionLanguageEngine engine, D2PrunerChatClientOptions? options = null, bool ownsEngine = false,
        ILoggerFactory? loggerFactory = null, PrunerRegistry? pruners = null)
        : this(new LoadedModel(engine ?? throw new ArgumentNullException(nameof(engine))), options, ownsEngine ? engine
            : null, null, loggerFactory, pruners)
    {
    }

    /// <summary>Creates a client over any engine; for scripted ones.</summary>
    internal D2PrunerChatClient(
        IVisionEngine engine, D2PrunerChatClientOptions? options = null, bool ownsEngine = false, ILoggerFactory? loggerFactory = null,
        IImageResolver? imageResolver = null, PrunerRegistry? pruners = null)
        : this(new LoadedModel(engine), options, ownsEngine ? engine as IDisposable : null, imageResolver, loggerFactory, pruners)
    {
    }

    internal D2PrunerChatClient(
        IModelSource model, D2PrunerChatClientOptions? options, IDisposable? owned, IImageResolver? imageResolver,
        ILoggerFactory? loggerFactory, PrunerRegistry? pruners = null)
    {
        this.options = (options ?? new D2PrunerChatClientOptions()).Copy();
        this.pruners = pruners ?? PrunerRegistry.BuiltIn;
        ClientOptionsRules.ThrowIfInvalid(this.options, this.pruners);
        this.model = model;
        this.owned = owned;
        logger = new QuietLoggerFactory(loggerFactory).CreateLogger<D2PrunerChatClient>();
        // No provider URI: this process is no server, and telemetry would report an empty address.
        metadata = new ChatClientMetadata("d2pruner", providerUri: null, model.ModelId);
        unsupported = new UnsupportedOptions(this.options.StrictOptions, logger);
        optionsMapper = new OptionsMapper(this.options, unsupported, this.pruners);
        messageMapper = new MessageMapper(this.options, imageResolver ?? new DenyAllImageResolver(this.options.MaxImageBytes), unsupported);
    }

    /// <summary>Where its engine comes from.</summary>
    internal IModelSource Source => model;

    /// <summary>What tells this client's answers from those of a client with another model or other settings; null while the model's
    /// version is not known.</summary>
    internal string? Fingerprint => model.Fingerprint is { } version
        ? System.Text.Json.JsonSerializer.Serialize(options, ReportJson.Default.D2PrunerChatClientOptions) + version : null;

    /// <inheritdoc />
    /// <exception cref="ArgumentException">Options or messages that cannot be honoured.</exception>
    /// <exception cref="NotSupportedException">Something was asked that this client cannot do and must not drop.</exception>
    /// <exception cref="EngineBusyException">The engine's queue is full.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        // One code path: the whole answer is the sum of its stream.
        List<ChatResponseUpdate> updates = [];
        await foreach (var update in GetStreamingResponseAsync(messages, options, cancellationToken)
            .ConfigureAwait(false)) updates.Add(update);
        var response = updates.ToChatResponse();
        response.RawRepresentation = (updates[^1].RawRepresentation as GenerationCompleted)?.Result;
        return response;
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">Options that cannot be honoured; thrown by the call itself, not by the enumeration.</exception>
    /// <exception cref="NotSupportedException">Something was asked that this client cannot do and must not drop.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref disposed) != 0, this);
        List<ChatMessage> snapshot = [.. messages];
        if (snapshot.Contains(null!)) throw new ArgumentException("A message is null.", nameof(messages));
        var settings = optionsMapper.Map(options, this, model.Names);
        return StreamAsync(snapshot, settings, cancellationToken, cancellationToken);
    }

    /// <summary>What the model is; it is loaded first if need be.</summary>
    /// <param name="cancellationToken">Stops the waiting; a load that others wait for goes on.</param>
    public async Task<VisionModelInfo> GetModelAsync(CancellationToken cancellationToken = default) =>
        (await model.GetAsync(cancellationToken).ConfigureAwait(false)).Model;

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ChatClientMetadata)) return metadata;
        if (serviceType == typeof(VisionModelInfo)) return model.Current?.Model;
        if (model.Current is { } engine && serviceType != typeof(object) && serviceType.IsInstanceOfType(engine)
            && serviceType != typeof(IDisposable)) return engine;
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Disposes the engine if the client owns it. May be called again.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0) owned?.Dispose();
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        List<ChatMessage> messages, RequestSettings settings, CancellationToken caller,
            [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Captured here: the engine's thread has no current activity.
        var telemetry = RequestTelemetry.Start(Activity.Current);
        // Cancelled when the consumer leaves the loop, before the engine's enumerator is asked to end.
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var own = caller.CanBeCanceled ? caller : cancellationToken;
        var mapped = await OwnCancellation(
            RequestField.InAsync(RequestField.Messages, messageMapper.MapAsync(messages, settings.Instructions, leaving.Token)), own)
            .ConfigureAwait(false);
        var resolved = PruningResolver.Resolve(
            settings, options, () => PresetSelector.Choose(mapped.Question, mapped.SystemText, settings.Schema, mapped.Images),
                mapped.ImagesHaveBudgets);
        var (plan, noted, events, more) = await BeginAsync(mapped, settings, resolved, leaving.Token, own).ConfigureAwait(false);
        resolved = noted;
        var calls = plan.ReadsCalls ? new ToolCallReader(unsupported.MalformedCall) : null;
        var updates = new UpdateBuilder(model.ModelId);
        try
        {
            for (; more; more = await MoveNextAsync(events, resolved, own).ConfigureAwait(false))
            {
                switch (events.Current)
                {
                    case PrefillCompleted prefill:
                        resolved = CropNoted(resolved, prefill.Prefill);
                        telemetry.Prefilled(prefill.Prefill, resolved);
                        break;
                    case TextDelta text when calls is null:
                        yield return updates.Text(text);
                        break;
                    case TextDelta text:
                        if (calls.Push(text.Text) is { Count: > 0 } pieces) yield return updates.Contents(pieces, text);
                        break;
                    case GenerationCompleted completed:
                        if (calls?.Flush() is { Count: > 0 } rest) yield return updates.Contents(rest, completed);
                        var regions = Groundings(
                            calls?.VisibleText ?? completed.Result.Text, completed.Result, settings, resolved, out var issues);
                        telemetry.Completed(completed.Result);
                        yield return updates.Last(
                            completed, ReportBuilder.Build(resolved, completed.Result, issues, pruners), regions, calls is { Calls: > 0 });
                        yield break;
                }
            }
            throw new InvalidOperationException("The engine ended without completing the answer.");
        }
        finally
        {
            await leaving.CancelAsync().ConfigureAwait(false);
            await events.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Asks the engine, up to its first event. An engine that finds its weight files changed, or whose thread ends, answers nobody any more:
    // neither the request that met it nor those that wait behind it. A registered model is loaded anew then, and asked once more.
    private async ValueTask<(AnswerPlan Plan, ResolvedPruning Resolved, IAsyncEnumerator<GenerationEvent> Events, bool More)> BeginAsync(
        MappedMessages mapped, RequestSettings settings, ResolvedPruning resolved, CancellationToken leaving, CancellationToken own)
    {
        for (var again = false; ; again = true)
        {
            var engine = await OwnCancellation(model.GetAsync(leaving), own).ConfigureAwait(false);
            var noted = PriorNote.Add(resolved, engine.Model, pruners);
            LogPreset(noted.Preset, noted.Source, noted.Reason);
            var plan = AnswerPlan.Create(mapped, settings, engine.Model, options, unsupported);
            var events = engine.GenerateAsync(Request(plan, settings, noted), leaving).GetAsyncEnumerator(leaving);
            try
            {
                return (plan, noted, events, await MoveNextAsync(events, noted, own).ConfigureAwait(false));
            }
            catch (Exception e)
            {
                await events.DisposeAsync().ConfigureAwait(false);
                if (again || model is not LazyModel || !await OwnCancellation(LazyModel.HasEndedAsync(engine, e, leaving), own)
                    .ConfigureAwait(false)) throw;
            }
        }
    }

    // An engine refuses a named prior that is not registered (the argument "name"), or not made for this model and K.
    private static async ValueTask<bool> MoveNextAsync(
        IAsyncEnumerator<GenerationEvent> events, ResolvedPruning resolved, CancellationToken own)
    {
        try
        {
            return await OwnCancellation(events.MoveNextAsync(), own).ConfigureAwait(false);
        }
        catch (Exception e) when (resolved.Settings?.Prior is not null
            && e is Runtime.Models.PriorMismatchException or ArgumentException { ParamName: "name" })
        {
            RequestField.Mark(e, D2PrunerKeys.Prior);
            throw;
        }
    }

    // Within, everything listens to a token of this request's own; the caller is told of his.
    private static async ValueTask<T> OwnCancellation<T>(ValueTask<T> task, CancellationToken own)
    {
        try
        {
            return await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (own.IsCancellationRequested && e.CancellationToken != own)
        {
            throw new OperationCanceledException(e.Message, e, own);
        }
    }

    private VisionRequest Request(AnswerPlan plan, RequestSettings settings, ResolvedPruning resolved) => new()
    {
        Turns = plan.Turns,
        Tools = plan.Tools,
        Generation = settings.Generation with { Grammar = plan.Grammar },
        Pruning = resolved.Settings,
        Pruners = pruners,
        MaxImagePixels = options.MaxImagePixels,
        PrefixReuse = settings.PrefixReuse,
        IncludeScores = settings.IncludeScores,
    };

    private ResolvedPruning CropNoted(ResolvedPruning resolved, PrefillSummary prefill)
    {
        var noted = CropNote.Add(resolved, prefill.Images);
        if (!ReferenceEquals(noted, resolved) && Interlocked.Exchange(ref cropIsLogged, 1) == 0) LogCropped(model.ModelId);
        return noted;
    }

    private IReadOnlyList<GroundedRegion>? Groundings(
        string text, GenerationResult result, RequestSettings settings, ResolvedPruning resolved, out IReadOnlyList<string> issues)
    {
        issues = [];
        if (!(options.ParseGroundings ?? resolved.Preset == Pruning.PruningPreset.Localization) || result.Prefill.Images.Count == 0)
            return null;
        var parsed = settings.Format.Shape.Json ? JsonGroundingReader.Read(text, result.Prefill.Images)
            : GroundingReader.Read(text, result.Prefill.Images);
        // JSON without properties named like boxes may still hold them in brackets.
        if (settings.Format.Shape.Json && parsed.Regions.Count == 0) parsed = GroundingReader.Read(text, result.Prefill.Images);
        issues = parsed.Issues;
        return parsed.Regions;
    }

    [LoggerMessage(EventId = 2, EventName = "PresetChosen", Level = LogLevel.Debug,
        Message = "Preset {Preset} (named by the {Source}): {Reason}")]
    private partial void LogPreset(Pruning.PruningPreset preset, string source, string reason);

    [LoggerMessage(EventId = 5, EventName = "ImageCropped", Level = LogLevel.Warning,
        Message = "The model '{Model}' was asked for places, and its image processing crops: boxes cannot reach an image's cut-off " +
            "borders. With VisionModelOptions.ImageFit = Pad the longer side is not cut. (Told once; every report says it.)")]
    private partial void LogCropped(string model);
}
