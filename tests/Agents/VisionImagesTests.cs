using System.Diagnostics;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.SemanticKernel;
using Xunit;

namespace D2Pruner.AI.Tests.Agents;

public sealed class VisionImagesTests
{
    [Fact]
    public async Task Ids_AreGivenOrChosen()
    {
        var images = new VisionImages();
        var (a, b) = (Pictures.Png(1), Pictures.Png(2));
        Assert.Equal("image-1", images.Add(a));
        Assert.Equal("image-2", images.Add(a, "image-2"));
        Assert.Equal("image-3", images.Add(b));
        Assert.Equal(["image-1", "image-2", "image-3"], images.Ids);
        Assert.Equal(b, (await images.ReadAsync("image-3")).ToArray());
        Assert.True(images.Remove("image-3"));
        Assert.False(images.Remove("image-3"));
        await Assert.ThrowsAsync<ImageAccessDeniedException>(() => images.ReadAsync("image-3").AsTask());
    }

    [Fact]
    public void Add_RefusesWhatIsNoPicture()
    {
        var images = new VisionImages { MaxImageBytes = 1000 };
        images.Add(Pictures.Png(1), "a");
        Assert.Contains("taken", Assert.Throws<ArgumentException>(() => images.Add(Pictures.Png(1), "a")).Message);
        Assert.Contains("empty", Assert.Throws<ArgumentException>(() => images.Add(Pictures.Png(1), " ")).Message);
        Assert.Contains("no PNG", Assert.Throws<ArgumentException>(() => images.Add("root:x:0:0"u8.ToArray())).Message);
        Assert.Contains("control character", Assert.Throws<ArgumentException>(() => images.Add(Pictures.Png(1), "a\nb")).Message);
        Assert.Contains("1000", Assert.Throws<ArgumentException>(() => images.Add(new byte[1001])).Message);
        Assert.Equal(["a"], images.Ids);
    }

    [Theory]
    [InlineData("")]
    [InlineData("cat.png")]
    [InlineData("/etc/passwd")]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://127.0.0.1/cat.png")]
    [InlineData("data:image/png;base64,iVBORw0KGgo=")]
    public async Task WithoutAFolder_OnlyIdsAreRead(string reference) =>
        await Assert.ThrowsAsync<ImageAccessDeniedException>(() => new VisionImages().ReadAsync(reference).AsTask());

    [Fact]
    public async Task AFolder_GivesItsPictures()
    {
        using var folder = new TemporaryFolder();
        var picture = Pictures.Png(1);
        Directory.CreateDirectory(folder.File("sub"));
        File.WriteAllBytes(folder.File("cat.png"), picture);
        File.WriteAllBytes(folder.File("sub/a b.png"), picture);
        var images = new VisionImages(folder.Path);
        Assert.Equal(picture, (await images.ReadAsync("cat.png")).ToArray());
        Assert.Equal(picture, (await images.ReadAsync("sub/a b.png")).ToArray());
        Assert.Equal(picture, (await images.ReadAsync(@"sub\a b.png")).ToArray());
        // An id goes first.
        images.Add(Pictures.Png(9), "cat.png");
        Assert.Equal(Pictures.Png(9), (await images.ReadAsync("cat.png")).ToArray());
    }

    [Theory]
    [InlineData("../secret.png")]
    [InlineData("sub/../../secret.png")]
    [InlineData(@"..\secret.png")]
    [InlineData("./cat.png")]
    [InlineData("sub//cat.png")]
    [InlineData("/cat.png")]
    [InlineData("C:cat.png")]
    [InlineData("file:cat.png")]
    [InlineData("cat.png\0.txt")]
    [InlineData("missing.png")]
    [InlineData("sub")]
    [InlineData("notes.txt")]
    [InlineData("link.png")]
    [InlineData("linked/secret.png")]
    [InlineData("big.png")]
    public async Task AFolder_DeniesTheRest(string reference)
    {
        using var outer = new TemporaryFolder();
        var root = Directory.CreateDirectory(outer.File("allowed")).FullName;
        Directory.CreateDirectory(Path.Combine(root, "sub"));
        File.WriteAllBytes(outer.File("secret.png"), Pictures.Png(1));
        File.WriteAllBytes(Path.Combine(root, "cat.png"), Pictures.Png(1));
        File.WriteAllText(Path.Combine(root, "notes.txt"), "password");
        File.WriteAllBytes(Path.Combine(root, "big.png"), [.. Pictures.Png(1), .. new byte[5000]]);
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(Path.Combine(root, "link.png"), outer.File("secret.png"));
            Directory.CreateSymbolicLink(Path.Combine(root, "linked"), outer.Path);
        }

        var images = new VisionImages(root) { MaxImageBytes = 5000 };
        var refused = await Assert.ThrowsAsync<ImageAccessDeniedException>(() => images.ReadAsync(reference).AsTask());
        // What the caller reads must not tell where the folder lies, nor what a file holds.
        Assert.DoesNotContain(outer.Path, refused.Message);
        Assert.DoesNotContain("password", refused.Message);
        Assert.NotEmpty(await File.ReadAllBytesAsync(Path.Combine(root, "cat.png")));
        Assert.NotEmpty((await images.ReadAsync("cat.png")).ToArray());
    }

    [SkippableFact]
    public async Task Pipes_AreRefusedAtOnce()
    {
        Skip.If(OperatingSystem.IsWindows(), "There are no named pipes in folders on Windows.");
        using var folder = new TemporaryFolder();
        using (var made = Process.Start("mkfifo", folder.File("pipe.png"))!) await made.WaitForExitAsync();
        File.CreateSymbolicLink(folder.File("device.png"), "/dev/zero");
        var images = new VisionImages(folder.Path);
        foreach (var name in new[] { "pipe.png", "device.png" })
        {
            // Reading a pipe without a writer never ends; the limit is for a failure's report only.
            var reading = Task.Run(() => images.ReadAsync(name).AsTask());
            Assert.Same(reading, await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(30))));
            await Assert.ThrowsAsync<ImageAccessDeniedException>(() => reading);
        }

        Assert.Empty(images.Files());
    }

    [Fact]
    public async Task Files_AreListedAsTheyAreRead_WithoutLinksAndOthers()
    {
        using var outer = new TemporaryFolder();
        var (first, second) = (Directory.CreateDirectory(outer.File("a")).FullName, Directory.CreateDirectory(outer.File("b")).FullName);
        Directory.CreateDirectory(Path.Combine(first, "sub", "deep"));
        File.WriteAllBytes(Path.Combine(first, "x.PNG"), Pictures.Png(1));
        File.WriteAllBytes(Path.Combine(first, "sub", "deep", "y z.jpg"), Pictures.Png(2));
        File.WriteAllBytes(Path.Combine(second, "w.webp"), Pictures.Png(3));
        File.WriteAllText(Path.Combine(first, "notes.txt"), "no");
        File.WriteAllBytes(Path.Combine(first, "empty.png"), []);
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(Path.Combine(first, "link.png"), Path.Combine(first, "x.PNG"));
            Directory.CreateSymbolicLink(Path.Combine(first, "up"), outer.Path);
        }

        var images = new VisionImages(first, second);
        Assert.Equal(["sub/deep/y z.jpg", "w.webp", "x.PNG"], images.Files());
        Assert.Equal(2, images.Files(2).Count);
        foreach (var name in images.Files()) Assert.NotEmpty((await images.ReadAsync(name)).ToArray());
        Assert.Empty(new VisionImages().Files());
    }

    [SkippableFact]
    public async Task NamesThatAreNoPlainPath_AreNotListed()
    {
        Skip.If(OperatingSystem.IsWindows(), "There are no such names there.");
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "a:b.png", "sub\\c.png", "d\n.png", "e.png" }) File.WriteAllBytes(folder.File(name), Pictures.Png(1));
        var images = new VisionImages(folder.Path);
        Assert.Equal(["e.png"], images.Files());
        foreach (var name in new[] { "a:b.png", "sub\\c.png", "d\n.png" })
            await Assert.ThrowsAsync<ImageAccessDeniedException>(() => images.ReadAsync(name).AsTask());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFolderThatIsGone_IsAnEmptyOne_AndFilesOfOthersAreListed(bool wasRead)
    {
        using var outer = new TemporaryFolder();
        var (first, second) = (Directory.CreateDirectory(outer.File("a")).FullName, Directory.CreateDirectory(outer.File("b")).FullName);
        File.WriteAllBytes(Path.Combine(second, "left.png"), Pictures.Png(1));
        var images = new VisionImages(first, second);
        if (wasRead) await images.ReadAsync("left.png");
        Directory.Delete(first);
        Assert.Equal(["left.png"], images.Files());
        Assert.NotEmpty((await images.ReadAsync("left.png")).ToArray());
        var tools = new VisionTools(new D2PrunerChatClient(new Provider.ScriptedEngine()), images);
        var result = await tools.InvokeAsync("describe_image", new Dictionary<string, object?> { ["image"] = "missing.png" });
        Assert.Equal(VisionErrorKind.InvalidRequest, result.ErrorKind);
        Assert.Contains("\"available\":[\"left.png\"]", result.Json, StringComparison.Ordinal);
        Assert.DoesNotContain(outer.Path, result.Json, StringComparison.Ordinal);
        // Nothing stays of it when the folder is back.
        Directory.CreateDirectory(first);
        File.WriteAllBytes(Path.Combine(first, "back.png"), Pictures.Png(2));
        Assert.NotEmpty((await images.ReadAsync("left.png")).ToArray());
        Assert.NotEmpty((await images.ReadAsync("back.png")).ToArray());
    }

    [Fact]
    public async Task FoldersThatAreAllGone_AreDenied_WithoutTheirPaths()
    {
        using var outer = new TemporaryFolder();
        var only = Directory.CreateDirectory(outer.File("a")).FullName;
        var images = new VisionImages(only);
        Directory.Delete(only);
        var refused = await Assert.ThrowsAsync<ImageAccessDeniedException>(() => images.ReadAsync("cat.png").AsTask());
        Assert.Contains("no allowed folder is there any more", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(outer.Path, refused.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task ALinkInOneFolder_HidesNoFileInTheNext()
    {
        Skip.If(OperatingSystem.IsWindows(), "Links need a permission there.");
        using var outer = new TemporaryFolder();
        var (first, second) = (Directory.CreateDirectory(outer.File("a")).FullName, Directory.CreateDirectory(outer.File("b")).FullName);
        File.WriteAllBytes(outer.File("secret.png"), Pictures.Png(1));
        File.CreateSymbolicLink(Path.Combine(first, "cat.png"), outer.File("secret.png"));
        File.CreateSymbolicLink(Path.Combine(first, "dog.png"), outer.File("secret.png"));
        File.WriteAllBytes(Path.Combine(second, "cat.png"), Pictures.Png(2));
        var images = new VisionImages(first, second);
        Assert.Equal(Pictures.Png(2), (await images.ReadAsync("cat.png")).ToArray());
        var refused = await Assert.ThrowsAsync<ImageAccessDeniedException>(() => images.ReadAsync("dog.png").AsTask());
        Assert.Contains("links are not followed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TooLargeFiles_AreOfThatKind()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("big.png"), [.. Pictures.Png(1), .. new byte[5000]]);
        var refused = await Assert.ThrowsAsync<ImageAccessDeniedException>(() =>
            new VisionImages(folder.Path) { MaxImageBytes = 5000 }.ReadAsync("big.png").AsTask());
        Assert.Equal(VisionErrorKind.TooLarge, refused.Kind);
    }

    [Fact]
    public void AMissingFolder_IsRefusedAtOnce() => Assert.Throws<DirectoryNotFoundException>(() =>
        new VisionImages(Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"))));

    [Fact]
    public async Task AResolver_DecidesAboutEverythingElse()
    {
        var resolver = new Resolver();
        var images = new VisionImages(resolver);
        images.Add(Pictures.Png(1), "known");
        await images.ReadAsync("known");
        Assert.Null(resolver.Asked);
        Assert.Equal(Pictures.Png(5), (await images.ReadAsync("http://pictures/cat.png")).ToArray());
        Assert.Equal("http://pictures/cat.png", resolver.Asked!.OriginalString);
        await Assert.ThrowsAsync<ImageAccessDeniedException>(() => images.ReadAsync("text").AsTask());
    }

    private sealed class Resolver : IImageResolver
    {
        public Uri? Asked { get; private set; }

        public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(Uri uri, CancellationToken cancellationToken)
        {
            Asked = uri;
            return ValueTask.FromResult<ReadOnlyMemory<byte>>(uri.OriginalString == "text" ? "text"u8.ToArray() : Pictures.Png(5));
        }
    }
}
