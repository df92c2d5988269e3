using System.Text;

namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>The environment variables that the Hub's own client honours.</summary>
internal static class HubEnvironment
{
    private const long LongestToken = 1 << 16;

    public static string Endpoint => (Variable("HF_ENDPOINT") ?? "https://huggingface.co").TrimEnd('/');

    public static string Home => Variable("HF_HOME")
        ?? Path.Combine(Variable("XDG_CACHE_HOME")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "huggingface");

    public static string CacheFolder => Variable("HF_HUB_CACHE") ?? Variable("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(Home, "hub");

    public static bool Offline => IsOn(Variable("HF_HUB_OFFLINE")) || IsOn(Variable("TRANSFORMERS_OFFLINE"));

    /// <summary>HF_TOKEN, or what the Hub's login command stored.</summary>
    public static string? Token
    {
        get
        {
            if ((Variable("HF_TOKEN") ?? Variable("HUGGING_FACE_HUB_TOKEN"))?.Trim() is { Length: > 0 } token) return token;
            var file = Variable("HF_TOKEN_PATH") ?? Path.Combine(Home, "token");
            try
            {
                return File.Exists(file) && RegularFile.ReadAllText(file, LongestToken).Trim() is { Length: > 0 } stored ? stored : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
            {
                return null; // a token that cannot be read is none; the Hub's answer says what is missing
            }
        }
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static bool IsOn(string? value) => value?.Trim().ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON";
}
