using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>
/// Damaged configurations of every family, to the list of tensors and the picture processor that they ask for. The first byte names the
/// family, the second the file.
/// </summary>
internal sealed class ConfigTarget : FileTarget
{
    private static readonly string[] Fixtures =
        ["llava-1.5-a", "llava-next-mistral", "qwen2.5-vl-nested", "qwen2.5-vl-flat", "internvl-hf", "internvl-internlm2"];
    private static readonly string[] Files =
        ["config.json", "preprocessor_config.json", "processor_config.json", "chat_template.json", "tokenizer_config.json"];
    private readonly DecodedImage _picture = new(64, 48, new byte[64 * 48 * 3]);
    private readonly Dictionary<(int, int), (byte[] Bytes, JsonElement Json)> _read = [];

    public ConfigTarget()
    {
        for (var i = 0; i < Fixtures.Length; i++)
        {
            CopySmallFiles(Fixtures[i], FolderOf(i));
            for (var f = 0; f < Files.Length; f++)
            {
                var path = Path.Combine(FolderOf(i), Files[f]);
                if (!File.Exists(path)) continue;
                var bytes = File.ReadAllBytes(path);
                _read[(i, f)] = (bytes, JsonDocument.Parse(bytes).RootElement.Clone());
            }
        }
    }

    public override string Name => "config";

    // An image may be made into 2^23 pixels of tiles (docs/reliability.md): three floats each, and the bytes that they come from.
    public override long AllocationLimit => 192L << 20;

    public override bool WatchesNativeMemory => false;

    public override byte[] Make(Random random)
    {
        var (family, file) = (random.Next(Fixtures.Length), random.Next(2) == 0 ? 0 : random.Next(Files.Length));
        if (!_read.ContainsKey((family, file))) file = 0;
        return [(byte)family, (byte)file, .. JsonMutator.Mutate(random, _read[(family, file)].Json)];
    }

    public override void Run(byte[] input)
    {
        if (input.Length < 2) return;
        var (family, file) = (input[0] % Fixtures.Length, input[1] % Files.Length);
        var path = Path.Combine(FolderOf(family), Files[file]);
        File.WriteAllBytes(path, input[2..]);
        try
        {
            var blueprint = ModelFamilies.Read(CheckpointFolder.Open(FolderOf(family)));
            blueprint.Plan();
            blueprint.ImageProcessor(ImageFit.FromProcessor).Process(_picture);
            _ = blueprint.Template;
        }
        finally
        {
            if (_read.TryGetValue((family, file), out var sound)) File.WriteAllBytes(path, sound.Bytes);
            else File.Delete(path);
        }
    }

    private string FolderOf(int family) => Path.Combine(Folder, Fixtures[family]);
}
