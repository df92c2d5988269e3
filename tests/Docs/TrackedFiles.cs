using System.Diagnostics;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>The files that the repository tracks; where it lies without git, all that were not built.</summary>
internal static class TrackedFiles
{
    private static readonly string[] Built = ["bin", "obj", "out", "artifacts", "node_modules", "TestResults", ".git", ".vs"];

    /// <summary>Paths relative to the repository, with '/'.</summary>
    public static IReadOnlyList<string> All { get; } = FromGit() ?? FromDisk();

    /// <summary>Folders that hold them, at any depth.</summary>
    public static IReadOnlySet<string> Folders { get; } = All.SelectMany(Parents).ToHashSet(StringComparer.Ordinal);

    /// <summary>Files below a folder whose names end so.</summary>
    public static IEnumerable<string> In(string folder, string ending) =>
        All.Where(f => f.StartsWith(folder + "/", StringComparison.Ordinal) && f.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>The text of a file.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Repository.Root, path));

    /// <summary>Whether a file or folder of this path is tracked.</summary>
    public static bool Has(string path) => Files.Contains(path) || Folders.Contains(path);

    private static HashSet<string> Files { get; } = All.ToHashSet(StringComparer.Ordinal);

    private static IEnumerable<string> Parents(string file)
    {
        for (var at = file.LastIndexOf('/'); at > 0; at = file.LastIndexOf('/', at - 1)) yield return file[..at];
    }

    private static string[]? FromGit()
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["-C", Repository.Root, "ls-files", "-z"])
                { RedirectStandardOutput = true, RedirectStandardError = true })!;
            git.ErrorDataReceived += (_, _) => { };
            git.BeginErrorReadLine();
            var output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            // A file that was removed and not yet committed is listed, too.
            return git.ExitCode != 0 ? null
                : [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(f => File.Exists(Path.Combine(Repository.Root, f)))];
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static string[] FromDisk() =>
        [.. Directory.EnumerateFiles(Repository.Root, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Repository.Root, f).Replace('\\', '/')).Where(f => !f.Split('/').Intersect(Built).Any())];
}
