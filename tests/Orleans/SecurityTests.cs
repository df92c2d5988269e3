using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using D2Pruner.AI.Orleans.Workers;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Connections.Security;
using Orleans.Hosting;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>Who may talk to a worker.</summary>
public sealed class SecurityTests
{
    [Fact]
    public async Task ASilo_AcceptsOnlyItsClustersId()
    {
        var (silo, gateway) = (Ports.Next(), Ports.Next());
        using var worker = await WorkerAsync(silo, gateway, "ours");
        Assert.Equal(Expected, await AskAsync(gateway, "ours"));
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(gateway, "theirs", refused: true));
        Assert.Single(Engine(worker).Requests);
        await worker.StopAsync();
    }

    [Fact]
    public async Task ConnectionsWithTls_CarryAnswers_AndOthersAreRefused()
    {
        using var certificate = Certificate();
        void Tls(TlsOptions options)
        {
            options.LocalCertificate = certificate;
            options.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.RemoteCertificateValidation = (found, _, _) => found.Thumbprint == certificate.Thumbprint;
            options.OnAuthenticateAsClient = (_, client) => client.TargetHost = "workers.example";
        }

        var (silo, gateway) = (Ports.Next(), Ports.Next());
        using var worker = await WorkerAsync(silo, gateway, "ours", s => s.UseTls(Tls));
        Assert.Equal(Expected, await AskAsync(gateway, "ours", c => c.UseTls(Tls)));
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(gateway, "ours", refused: true));
        Assert.Single(Engine(worker).Requests);
        await worker.StopAsync();
    }

    private static string Expected => EchoEngine.Answer("a", TestWorkers.Image(1), "question");

    private static EchoEngine Engine(IHost worker) => (EchoEngine)worker.Services.GetRequiredService<ServedModel>().Source.Current!;

    private static async Task<IHost> WorkerAsync(int port, int gateway, string cluster, Action<ISiloBuilder>? more = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(port, gateway, clusterId: cluster);
            silo.Services.AddSingleton(new ServedModel("vision", new LoadedModel(new EchoEngine())));
            silo.AddD2PrunerWorker();
            more?.Invoke(silo);
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    // Nobody says that a client is refused: its connection is closed, again and again.
    private static async Task<string> AskAsync(int gateway, string cluster, Action<IClientBuilder>? more = null, bool refused = false)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client =>
        {
            client.UseStaticClustering(new IPEndPoint(IPAddress.Loopback, gateway));
            client.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (cluster, "dev"));
            client.Configure<ConnectionOptions>(o => o.OpenConnectionTimeout = TimeSpan.FromSeconds(refused ? 2 : 30));
            client.Services.AddD2PrunerOrleansChatClient("vision");
            more?.Invoke(client);
        });
        using var host = builder.Build();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(refused ? 4 : 60));
        await host.StartAsync(limit.Token);
        var response = await host.Services.GetRequiredService<IChatClient>().GetResponseAsync(
            [TestWorkers.Ask(1, "question")], cancellationToken: limit.Token);
        await host.StopAsync(limit.Token);
        return response.Text;
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=workers.example", key, HashAlgorithmName.SHA256);
        var now = DateTimeOffset.UtcNow;
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
