using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.Tests.Server;

/// <summary>A receiver of OpenTelemetry's protocol (HTTP with protobuf) that reads the names of what comes.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OtlpReceiver(WebApplication app) => _app = app;

    /// <summary>What an exporter is to be told.</summary>
    public string Endpoint => _app.Urls.Single();

    /// <summary>Names of the spans that came.</summary>
    public ConcurrentBag<string> Spans { get; } = [];

    /// <summary>Names of the measurements that came.</summary>
    public ConcurrentBag<string> Metrics { get; } = [];

    /// <summary>Names of the services that sent spans or measurements.</summary>
    public ConcurrentBag<string> Services { get; } = [];

    /// <summary>Starts one at a free port of the loopback address.</summary>
    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.UseRouting();
        // Both: ResourceSpans / ResourceMetrics (1) holds scopes (2), those hold spans / metrics (2).
        // A span's name is field 5, a metric's field 1.
        app.MapPost("/v1/traces", context => receiver.ReadAsync(context, receiver.Spans, 5));
        app.MapPost("/v1/metrics", context => receiver.ReadAsync(context, receiver.Metrics, 1));
        app.MapPost("/v1/logs", (HttpContext _) => Task.CompletedTask);
        await app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReadAsync(HttpContext context, ConcurrentBag<string> names, int name)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        if (context.Request.ContentType != "application/x-protobuf")
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        foreach (var resource in Fields(body.ToArray(), 1))
        {
            // Resource (1), its attributes (1): key (1) and value (2), whose text is field 1.
            foreach (var attribute in Fields(resource, 1).SelectMany(r => Fields(r, 1)))
                if (Text(Fields(attribute, 1).Single()) == "service.name")
                    Services.Add(Text(Fields(Fields(attribute, 2).Single(), 1).Single()));
            foreach (var item in Fields(resource, 2).SelectMany(scope => Fields(scope, 2))) names.Add(Text(Fields(item, name).Single()));
        }

        context.Response.ContentType = "application/x-protobuf";
    }

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    // The length-delimited fields of a number in a protobuf message.
    private static List<byte[]> Fields(byte[] message, int number)
    {
        var found = new List<byte[]>();
        var at = 0;
        while (at < message.Length)
        {
            var tag = Varint();
            switch (tag & 7)
            {
                case 0: Varint(); break;
                case 1: at += 8; break;
                case 5: at += 4; break;
                case 2:
                    var length = (int)Varint();
                    if (tag >> 3 == (ulong)number) found.Add(message[at..(at + length)]);
                    at += length;
                    break;
                default: throw new FormatException($"The wire type {tag & 7} is none of protobuf's.");
            }
        }

        return found;

        ulong Varint()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                var b = message[at++];
                value |= (ulong)(b & 0x7F) << shift;
                if (b < 0x80) return value;
            }
        }
    }
}
