using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>
/// The chat template that a model folder brings. It is not run; prompts come from the family's <see cref="IChatTemplate"/>. It is
/// read so that a folder whose template differs can be reported.
/// </summary>
internal sealed class ChatTemplateFile
{
    private const long MostBytes = 4L << 20;

    private ChatTemplateFile(string fileName, string text) => (FileName, Text) = (fileName, text);

    /// <summary>Name of the file in the folder that holds it.</summary>
    public string FileName { get; }

    /// <summary>The template's text (Jinja).</summary>
    public string Text { get; }

    /// <summary>SHA-256 of the text's UTF-8, white space included, in lower-case hex.</summary>
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));

    /// <summary>Reads a folder's template: the processor's (chat_template.jinja, chat_template.json, processor_config.json) before the
    /// tokenizer's (tokenizer_config.json).</summary>
    /// <param name="folder">The model folder.</param>
    /// <returns>The template, or null where the folder has none.</returns>
    /// <exception cref="TokenizerException">A file that may hold it cannot be read.</exception>
    public static ChatTemplateFile? Read(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        const string Jinja = "chat_template.jinja";
        var path = Path.Combine(folder, Jinja);
        if (File.Exists(path))
        {
            try
            {
                return new ChatTemplateFile(Jinja, RegularFile.ReadAllText(path, limit: MostBytes));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
            {
                throw new TokenizerException($"'{path}' cannot be read: {e.Message}", e);
            }
        }

        foreach (var name in (string[])["chat_template.json", "processor_config.json", "tokenizer_config.json"])
        {
            path = Path.Combine(folder, name);
            if (!File.Exists(path)) continue;
            using var json = JsonReading.ParseFile(path);
            if (Find(json.RootElement) is { } text) return new ChatTemplateFile(name, text);
        }

        return null;
    }

    /// <summary>Whether a template reproduces this file; true also for a template that goes by its family's code alone.</summary>
    /// <param name="template">The template.</param>
    public bool MatchesKnown(IChatTemplate template)
    {
        ArgumentNullException.ThrowIfNull(template);
        return template.KnownHashes.Count == 0 || template.KnownHashes.Contains(Sha256);
    }

    // A text, or a list of named ones, of which 'default' counts.
    private static string? Find(JsonElement json) => json.Find("chat_template") switch
    {
        { ValueKind: JsonValueKind.String } s => s.GetString(),
        { ValueKind: JsonValueKind.Array } list =>
        list.EnumerateArray().Where(t => t.Text("name") == "default").Select(t => t.Text("template")).FirstOrDefault(),
        _ => null,
    };
}
