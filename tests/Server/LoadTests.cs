using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using D2Pruner.AI.Server;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>Many and unfriendly connections, all at the loopback address: the server answers the next
/// request and lets go of what it held.</summary>
[Collection(TorchCollection.Name)] // memory is measured: nothing beside it
public sealed class LoadTests
{
    private const int Connections = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task TwoHundredAtOnce_AreAllAnswered()
    {
        var chat = new ScriptedChat { Delay = TimeSpan.FromMilliseconds(20) };
        await using var server = await RunningServer.StartAsync(chat);
        var answers = await Task.WhenAll(Enumerable.Range(0, Connections).Select(i => i % 2 == 0
            ? server.ChatAsync(RunningServer.ChatBody()).ContinueWith(t => t.Result.Status == HttpStatusCode.OK, TaskScheduler.Default)
            : server.StreamAsync(RunningServer.ChatBody("\"stream\":true"))
            .ContinueWith(t => t.Result[^1] == "[DONE]", TaskScheduler.Default)));
        Assert.All(answers, Assert.True);
        Assert.Equal(Connections, chat.Calls);
        await Idle(server);
    }

    [Fact]
    public async Task SlowReaders_HoldNobodyUp_AndAreLetGo()
    {
        // More than every buffer on the way: a reader that does not read stops its writer.
        var chat = new ScriptedChat { Pieces = [.. Enumerable.Repeat(new string('x', 64 << 10), 60)] };
        await using var server = await RunningServer.StartAsync(chat, o => o.MaxConcurrentRequests = 1000);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var sockets = new List<Socket>();
        for (var i = 0; i < Connections; i++)
        {
            var socket = await Connect(server);
            socket.ReceiveBufferSize = 4096;
            await socket.SendAsync(Request(RunningServer.ChatBody("\"stream\":true")));
            sockets.Add(socket);
        }

        while (chat.Calls < Connections) await Task.Delay(10);
        // All 200 are stuck or on their way; others are answered meanwhile.
        chat.Pieces = ["free"];
        for (var i = 0; i < 5; i++) Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody())).Status);
        var first = new byte[512];
        Assert.True(await sockets[0].ReceiveAsync(first) > 0);
        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(first));
        foreach (var socket in sockets) socket.Close(0);
        await Idle(server);
        chat.Pieces = [];
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 48 << 20, $"{grown} bytes are still held");
    }

    [Fact]
    public async Task HalfOpenSockets_AndBrokenUploads_AreLetGo()
    {
        var chat = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(chat, o => o.BodyTimeout = TimeSpan.FromMilliseconds(700));
        var whole = Request(RunningServer.ChatBody());
        List<Socket> sockets = [];
        // Nothing at all; half a head; a head without its body; half a body; a body cut off by a close.
        foreach (var length in new[] { 0, 10, whole.Length - RunningServer.ChatBody().Length, whole.Length - 5 })
        {
            for (var i = 0; i < 10; i++)
            {
                var socket = await Connect(server);
                if (length > 0) await socket.SendAsync(whole.AsMemory(0, length));
                sockets.Add(socket);
            }
        }

        var cut = await Connect(server);
        await cut.SendAsync(whole.AsMemory(0, whole.Length - 5));
        cut.Close(0);
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody())).Status);
        // A body that does not come is given up, with a word.
        var answer = new byte[1024];
        var read = await sockets[^1].ReceiveAsync(answer).WaitAsync(Patience);
        Assert.StartsWith("HTTP/1.1 408", Encoding.ASCII.GetString(answer, 0, read));
        await Idle(server);
        foreach (var socket in sockets) socket.Dispose();
        Assert.Equal(1, chat.Calls);
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody())).Status);
    }

    [Theory]
    [InlineData("1000000", true)] // more announced than sent, then closed for writing
    [InlineData("5", false)] // less announced than sent
    [InlineData("-1", false)]
    [InlineData("99999999999999999999", false)]
    [InlineData("2147483648", false)] // over the limit: told before anything is read
    [InlineData("33000000", true)] // within the limit of the header, never sent
    public async Task LyingLengths_AreToldOrCut(string length, bool close)
    {
        var chat = new ScriptedChat();
        await using var server = await RunningServer.StartAsync(chat, o => o.BodyTimeout = TimeSpan.FromSeconds(1));
        using var socket = await Connect(server);
        var body = RunningServer.ChatBody();
        var memory = GC.GetTotalAllocatedBytes();
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
            $"{length}\r\n\r\n{body}"));
        if (close) socket.Shutdown(SocketShutdown.Send);
        var answer = new byte[4096];
        var read = 0;
        try
        {
            read = await socket.ReceiveAsync(answer).WaitAsync(Patience);
        }
        catch (SocketException)
        {
            // Cut is an answer too.
        }

        if (read > 0) Assert.Matches("^HTTP/1.1 4", Encoding.ASCII.GetString(answer, 0, read));
        Assert.True(GC.GetTotalAllocatedBytes() - memory < 16 << 20, "an announced length took memory");
        Assert.Equal(0, chat.Calls);
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody())).Status);
        await Idle(server);
    }

    private static async Task<Socket> Connect(RunningServer server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, server.Address.Port);
        return socket;
    }

    private static byte[] Request(string body) =>
        Encoding.UTF8.GetBytes("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: " +
            $"application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    // Nothing is in work any more, within the server's own patience with slow connections.
    private static async Task Idle(RunningServer server)
    {
        var work = server.App.Services.GetRequiredService<ServerWork>();
        var watch = Stopwatch.StartNew();
        while (work.Running > 0)
        {
            Assert.True(watch.Elapsed < Patience, $"{work.Running} requests are still in work");
            await Task.Delay(20);
        }
    }
}
