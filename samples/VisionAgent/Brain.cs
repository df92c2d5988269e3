using System.ClientModel;
using Microsoft.Extensions.AI;
using OllamaSharp;
using OpenAI;

namespace D2Pruner.AI.Samples;

/// <summary>The chat model that thinks, by configuration. (The same file in several samples, so that each can be copied out
/// alone.)</summary>
internal static class Brain
{
    /// <summary>Options that <see cref="Create"/> reads.</summary>
    public static readonly string[] Names = ["--brain-url", "--brain-model", "--ollama"];

    /// <summary>
    /// An OpenAI-compatible endpoint (<c>--brain-url http://host/v1 --brain-model NAME</c>: OpenAI, llama.cpp, vLLM, <c>d2pruner serve</c>
    /// with a model that calls tools; the key stands in OPENAI_API_KEY), Ollama (<c>--ollama MODEL</c>), or null.
    /// </summary>
    /// <exception cref="ArgumentException">The options do not fit together.</exception>
    public static IChatClient? Create(Arguments arguments)
    {
        if (arguments["--ollama"] is { } name) return new OllamaApiClient(arguments["--brain-url"] ?? "http://localhost:11434", name);
        if (arguments["--brain-url"] is not { } url)
            return arguments.Has("--brain-model") ? throw new ArgumentException("--brain-model needs --brain-url.") : null;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var endpoint))
            throw new ArgumentException($"--brain-url is '{url}'; expected an address such as http://localhost:8080/v1.");
        var model = arguments["--brain-model"] ?? throw new ArgumentException("--brain-url needs --brain-model.");
        var key = new ApiKeyCredential(Environment.GetEnvironmentVariable("OPENAI_API_KEY") ?? "none");
        return new OpenAIClient(key, new OpenAIClientOptions { Endpoint = endpoint }).GetChatClient(model).AsIChatClient();
    }
}
