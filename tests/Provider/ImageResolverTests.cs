using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>What may be read, and every way around it that is refused.</summary>
public sealed class ImageResolverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _root;
    private readonly string _secret;

    public ImageResolverTests()
    {
        _root = Directory.CreateDirectory(_folder.File("pictures")).FullName;
        Directory.CreateDirectory(Path.Combine(_root, "deep"));
        Directory.CreateDirectory(_folder.File("pictures-not"));
        File.WriteAllBytes(Path.Combine(_root, "a b.png"), TinyPng.Bytes);
        File.WriteAllBytes(Path.Combine(_root, "deep", "c.png"), TinyPng.Bytes);
        File.WriteAllBytes(_folder.File("pictures-not/d.png"), TinyPng.Bytes);
        File.WriteAllBytes(_secret = _folder.File("secret.png"), TinyPng.Bytes);
        File.CreateSymbolicLink(Path.Combine(_root, "out.png"), _secret);
        File.CreateSymbolicLink(Path.Combine(_root, "in.png"), Path.Combine("deep", "c.png"));
        Directory.CreateSymbolicLink(Path.Combine(_root, "up"), _folder.Path);
        File.CreateSymbolicLink(Path.Combine(_root, "loop.png"), "loop.png");
        File.WriteAllBytes(Path.Combine(_root, "empty.png"), []);
    }

    public void Dispose() => _folder.Dispose();

    private AllowListImageResolver Files(long maxBytes = 1 << 20) =>
        new(new ImageResolverOptions { AllowedRoots = [_root], MaxBytes = maxBytes });

    private static async Task Refused(AllowListImageResolver resolver, Uri uri, string? says = null)
    {
        var e = await Assert.ThrowsAsync<ImageAccessDeniedException>(async () => await resolver.ResolveAsync(uri, default));
        if (says is not null) Assert.Contains(says, e.Message);
    }

    [Theory]
    [InlineData("a%20b.png")]
    [InlineData("deep/c.png")]
    [InlineData("deep/../deep/c.png")]
    [InlineData("in.png")]
    public async Task FilesBelowARoot_AreRead(string name)
    {
        using var resolver = Files();
        Assert.Equal(TinyPng.Bytes, (await resolver.ResolveAsync(new Uri($"file://{_root}/{name}"), default)).ToArray());
    }

    [Fact]
    public async Task RelativePaths_AreSoughtInTheRoots()
    {
        using var resolver = Files();
        Assert.Equal(TinyPng.Bytes, (await resolver.ResolveAsync(new Uri("deep/c.png", UriKind.Relative), default)).ToArray());
        await Refused(resolver, new Uri("../secret.png", UriKind.Relative));
        await Refused(resolver, new Uri(_secret, UriKind.RelativeOrAbsolute));
    }

    [Theory]
    [InlineData("../secret.png")]
    [InlineData("%2e%2e/secret.png")]
    [InlineData("deep/../../secret.png")]
    [InlineData("out.png")]
    [InlineData("up/secret.png")]
    [InlineData("../pictures-not/d.png")]
    [InlineData("loop.png")]
    [InlineData("empty.png")]
    [InlineData("deep")]
    [InlineData("missing.png")]
    [InlineData("a%00.png")]
    public async Task WaysOut_AreRefused(string name)
    {
        using var resolver = Files();
        await Refused(resolver, new Uri($"file://{_root}/{name}"));
    }

    [Fact]
    public async Task AFileOutside_AnswersLikeAMissingOne()
    {
        using var resolver = Files();
        await Refused(resolver, new Uri($"file://{_secret}"), "no such file in the allowed folders");
        await Refused(resolver, new Uri($"file://{_folder.Path}/nothing.png"), "no such file in the allowed folders");
    }

    [Fact]
    public async Task TooLarge_Foreign_AndOtherSchemes_AreRefused()
    {
        using var resolver = Files(10);
        await Refused(resolver, new Uri($"file://{_root}/deep/c.png"), "10 are allowed");
        await Refused(resolver, new Uri("file://server/share/x.png"), "another machine");
        await Refused(resolver, new Uri("ftp://example.org/x.png"), "ftp");
        await Refused(resolver, new Uri("data:image/png;base64," + Convert.ToBase64String(new byte[100])), "10 bytes");
    }

    /// <summary>A percent-encoded payload of as many characters as bytes passed with three times the limit.</summary>
    [Theory]
    [InlineData("data:image/png,{0}", 11)]
    [InlineData("data:image/png,{0}", 29)]
    [InlineData("data:image/png,%41{0}", 10)]
    [InlineData("data:image/png;base64,{0}", 16)]
    public async Task DataUriOverTheLimit_IsRefused_HoweverItIsWritten(string form, int length)
    {
        using var resolver = new AllowListImageResolver(new ImageResolverOptions { MaxBytes = 10 });
        await Refused(resolver, new Uri(string.Format(System.Globalization.CultureInfo.InvariantCulture, form, new string('A', length))),
            "10 bytes");
    }

    [Fact]
    public async Task DataUriAtTheLimit_IsRead()
    {
        using var resolver = new AllowListImageResolver(new ImageResolverOptions { MaxBytes = 10 });
        Assert.Equal(10, (await resolver.ResolveAsync(new Uri("data:image/png," + new string('A', 10)), default)).Length);
        Assert.Equal(10, (await resolver.ResolveAsync(
            new Uri("data:image/png," + string.Concat(Enumerable.Repeat("%41", 10))), default)).Length);
        Assert.Equal(10, (await resolver.ResolveAsync(
            new Uri("data:image/png;base64," + Convert.ToBase64String(new byte[10])), default)).Length);
        Assert.Equal(10, (await resolver.ResolveAsync(
            new Uri("data:image/png;base64," + Uri.EscapeDataString(Convert.ToBase64String(new byte[10]))), default)).Length);
    }

    [Fact]
    public async Task DataUris_AreRead()
    {
        using var resolver = new AllowListImageResolver(new ImageResolverOptions());
        Assert.Equal(TinyPng.Bytes,
            (await resolver.ResolveAsync(new Uri("data:image/png;base64," + Convert.ToBase64String(TinyPng.Bytes)), default)).ToArray());
        await Refused(resolver, new Uri("data:image/png;base64,%%%"));
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.31.0.1", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("64:ff9b::a00:1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("8.8.8.8", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("64:ff9b::808:808", true)]
    public void Addresses_ArePublicOrNot(string address, bool isPublic) =>
        Assert.Equal(isPublic, AddressRules.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("http://evil.org/x.png")]
    [InlineData("http://images.example.org.evil.org/x.png")]
    [InlineData("http://example.org/x.png")]
    [InlineData("http://user@images.example.org/x.png")]
    public async Task OtherHosts_AreRefused_WithoutALookUp(string uri)
    {
        using var resolver = Hosts(
            (_, _) => throw new InvalidOperationException("looked up"), "images.example.org", "*.pictures.example.org");
        await Refused(resolver, new Uri(uri));
    }

    [Fact]
    public async Task AnAllowedName_AtAPrivateAddress_IsRefusedAtTheConnection()
    {
        using var server = new TinyServer(_ => TinyServer.Ok(TinyPng.Bytes));
        using var resolver = new AllowListImageResolver(
            new ImageResolverOptions { AllowedHosts = ["images.example.org", "127.0.0.1"] },
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        await Refused(resolver, new Uri($"http://images.example.org:{server.Port}/x.png"), "AllowPrivateAddresses");
        await Refused(resolver, new Uri($"http://127.0.0.1:{server.Port}/x.png"), "AllowPrivateAddresses");
        Assert.Equal(0, server.Requests);
    }

    [Fact]
    public async Task AnAllowedHost_IsRead_AndWildcardsToo()
    {
        using var server = new TinyServer(_ => TinyServer.Ok(TinyPng.Bytes));
        using var resolver = Hosts(Loopback, "images.example.org", "*.pictures.example.org");
        foreach (var host in new[] { "images.example.org", "a.pictures.example.org", "IMAGES.example.org." })
            Assert.Equal(TinyPng.Bytes, (await resolver.ResolveAsync(new Uri($"http://{host}:{server.Port}/x.png"), default)).ToArray());
    }

    [Fact]
    public async Task Redirects_ObeyTheList_AndAreCounted()
    {
        using var server = new TinyServer(path => path switch
        {
            "/ok" => TinyServer.Redirect("/x.png"),
            "/away" => TinyServer.Redirect("http://evil.org/x.png"),
            "/file" => TinyServer.Redirect("file:///etc/passwd"),
            "/loop" => TinyServer.Redirect("/loop"),
            _ => TinyServer.Ok(TinyPng.Bytes),
        });
        using var resolver = Hosts(Loopback, "images.example.org");
        Uri At(string path) => new($"http://images.example.org:{server.Port}{path}");
        Assert.Equal(TinyPng.Bytes, (await resolver.ResolveAsync(At("/ok"), default)).ToArray());
        await Refused(resolver, At("/away"), "evil.org");
        await Refused(resolver, At("/file"), "file");
        await Refused(resolver, At("/loop"), "more than 3");
    }

    [Fact]
    public async Task Size_Time_AndStatus_AreLimited()
    {
        using var server = new TinyServer(path => path switch
        {
            "/announced" => Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"),
            "/silent" => [.. Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), .. new byte[5000]],
            "/slow" => null,
            _ => Encoding.ASCII.GetBytes("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        });
        using var resolver = new AllowListImageResolver(
            new ImageResolverOptions { AllowedHosts = ["images.example.org"], AllowPrivateAddresses = true, MaxBytes = 1000,
                Timeout = TimeSpan.FromSeconds(1) }, Loopback);
        Uri At(string path) => new($"http://images.example.org:{server.Port}{path}");
        await Refused(resolver, At("/announced"), "1000 bytes");
        await Refused(resolver, At("/silent"), "1000 bytes");
        await Refused(resolver, At("/none"), "404");
        await Refused(resolver, At("/slow"), "longer than 1");
        using var cancel = new CancellationTokenSource(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await resolver.ResolveAsync(At("/slow"), cancel.Token));
    }

    [Fact]
    public void ImpossibleOptions_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => new AllowListImageResolver(new ImageResolverOptions { MaxBytes = 0 }));
        Assert.Throws<ArgumentException>(() => new AllowListImageResolver(new ImageResolverOptions { MaxRedirects = 99 }));
        Assert.Throws<ArgumentException>(
            () => new AllowListImageResolver(new ImageResolverOptions { AllowedRoots = [_folder.File("nowhere")] }));
    }

    private static Task<IPAddress[]> Loopback(string host, CancellationToken cancellationToken) =>
        Task.FromResult<IPAddress[]>([IPAddress.Loopback]);

    private static AllowListImageResolver Hosts(Func<string, CancellationToken, Task<IPAddress[]>> lookUp, params string[] hosts) =>
        new(new ImageResolverOptions { AllowedHosts = hosts, AllowPrivateAddresses = true }, lookUp);

    /// <summary>Answers each connection with one prepared answer; null keeps it waiting.</summary>
    private sealed class TinyServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _end = new();
        private int _requests;

        public TinyServer(Func<string, byte[]?> answer)
        {
            _listener.Start();
            _ = Task.Run(async () =>
            {
                while (!_end.IsCancellationRequested)
                {
                    var connection = await _listener.AcceptTcpClientAsync(_end.Token);
                    _ = Task.Run(async () =>
                    {
                        using var c = connection;
                        var stream = c.GetStream();
                        var buffer = new byte[8192];
                        var n = await stream.ReadAsync(buffer, _end.Token);
                        Interlocked.Increment(ref _requests);
                        var path = Encoding.ASCII.GetString(buffer, 0, n).Split(' ')[1];
                        if (answer(path) is not { } bytes) await Task.Delay(-1, _end.Token);
                        else await stream.WriteAsync(bytes, _end.Token);
                    });
                }
            });
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public int Requests => Volatile.Read(ref _requests);

        public static byte[] Ok(byte[] body) =>
            [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n"), .. body];

        public static byte[] Redirect(string to) =>
            Encoding.ASCII.GetBytes($"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

        public void Dispose()
        {
            _end.Cancel();
            _listener.Stop();
        }
    }
}
