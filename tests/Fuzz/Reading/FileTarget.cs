namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>A target that reads files: each input is written into a folder of the target's own.</summary>
internal abstract class FileTarget : FuzzTarget
{
    protected string Folder { get; } = Places.NewFolder();

    public override void Dispose() => Directory.Delete(Folder, recursive: true);

    protected string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>Copies a model folder's small files.</summary>
    protected void CopySmallFiles(string fixture, string? to = null)
    {
        Directory.CreateDirectory(to ?? Folder);
        foreach (var file in Directory.GetFiles(Places.Model(fixture)).Where(f => !f.EndsWith(".safetensors", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(to ?? Folder, Path.GetFileName(file)), overwrite: true);
    }
}
