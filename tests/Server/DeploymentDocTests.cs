using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using D2Pruner.AI.Server;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using YamlDotNet.Serialization;

namespace D2Pruner.AI.Tests.Server;

/// <summary>
/// docs/deploy.md, as far as it can be held without a cluster: what it gives parses, fits together, and names only paths, ports, settings,
/// variables and measurements that there are.
/// </summary>
public sealed partial class DeploymentDocTests
{
    private const string EnvironmentPrefix = "D2Pruner__Server__";

    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "deploy.md")).ReplaceLineEndings("\n");

    // What samples/Server reads besides the section D2Pruner.
    private static readonly string[] Settings = [.. SettingName().Matches(
        File.ReadAllText(Path.Combine(Repository.Root, "samples", "Server", "Program.cs"))).Select(m => m.Groups[1].Value).Distinct()];

    [Fact]
    public void TheContainer_BuildsAndStartsWhatThereIs()
    {
        var lines = Blocks("dockerfile").Single().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] Of(string instruction) =>
            [.. lines.Where(l => l.StartsWith(instruction + " ", StringComparison.Ordinal)).Select(l => l[(instruction.Length + 1)..])];

        var project = Path.Combine(Repository.Root, PublishedProject().Match(Of("RUN").Single()).Groups[1].Value);
        var file = File.ReadAllText(Directory.GetFiles(project, "*.csproj").Single());
        Assert.Contains($"\"{Regex.Match(file, "<AssemblyName>(.*)</AssemblyName>").Groups[1].Value}.dll\"", Of("ENTRYPOINT").Single(),
            StringComparison.Ordinal);
        var framework = Regex.Match(File.ReadAllText(Path.Combine(Repository.Root, "Directory.Build.props")),
            "<TargetFramework>net(.*)</TargetFramework>").Groups[1].Value;
        Assert.All(Of("FROM"), f => Assert.Contains($":{framework}", f, StringComparison.Ordinal));
        var variables = Of("ENV").SelectMany(e => e.Split(' ')).ToDictionary(v => v.Split('=')[0], v => v.Split('=')[1]);
        Assert.All(variables.Keys.Where(k => !k.StartsWith("DOTNET_", StringComparison.Ordinal)), k => Assert.Contains(k, Settings));
        Assert.Equal(Of("EXPOSE").Single(), variables["port"]);

        var run = Text[Text.IndexOf("podman run", StringComparison.Ordinal)..];
        run = run[..run.IndexOf("```", StringComparison.Ordinal)];
        Assert.EndsWith($":{variables["port"]}", Flags(run, "-p").Single(), StringComparison.Ordinal);
        string[] mounted = [.. Flags(run, "-v").Select(v => v.Split(':')[1])];
        foreach (var (name, value) in Flags(run, "-e").Select(e => (e.Split('=')[0], e.Split('=')[1])))
        {
            Known(name);
            Assert.Contains(mounted, m => value == m || value.StartsWith(m + "/", StringComparison.Ordinal));
        }

        var backend = Regex.Match(Text, "-p:TorchBackend=([a-z-]+)").Groups[1].Value;
        Assert.Contains($"'$(TorchBackend)' == '{backend}'", File.ReadAllText(Path.Combine(Repository.Root, "Directory.Build.targets"))
            + File.ReadAllText(Path.Combine(Repository.Root, "Directory.Build.props")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheDeployment_FitsTogether_AndAsksWhatTheServerAnswers()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        string[] routes = [.. server.App.Services.GetServices<EndpointDataSource>().SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            .Select(e => "/" + e.RoutePattern.RawText!.Trim('/'))];
        var spec = Kind("Deployment")["spec"]!;
        var template = spec["template"]!;
        var pod = template["spec"]!;
        var container = pod["containers"]!.AsArray().Single()!;
        var port = Value(container["ports"]![0]!, "containerPort");
        Assert.Equal(Value(spec["selector"]!["matchLabels"]!, "app"), Value(template["metadata"]!["labels"]!, "app"));

        foreach (var probe in new[] { "startupProbe", "readinessProbe", "livenessProbe" })
        {
            var get = container[probe]!["httpGet"]!;
            Assert.Equal(port, Value(get, "port"));
            Assert.Contains(Value(get, "path"), routes);
        }

        // A server that is stopping, or is loading, must not be ended for it.
        Assert.Equal("/health/live", Value(container["livenessProbe"]!["httpGet"]!, "path"));
        Assert.Equal("/health/ready", Value(container["readinessProbe"]!["httpGet"]!, "path"));
        var notes = template["metadata"]!["annotations"]!;
        Assert.Equal(port, Value(notes, "prometheus.io/port"));
        Assert.Contains(Value(notes, "prometheus.io/path"), routes);

        var variables = container["env"]!.AsArray().ToDictionary(e => Value(e!, "name"), e => Value(e!, "value"));
        Assert.All(variables.Keys, Known);
        Assert.Equal("0.0.0.0", variables["host"]);
        var drain = int.Parse(variables[EnvironmentPrefix + nameof(D2PrunerServerOptions.DrainSeconds)], CultureInfo.InvariantCulture);
        var before = int.Parse(Value(container["lifecycle"]!["preStop"]!["sleep"]!, "seconds"), CultureInfo.InvariantCulture);
        Assert.True(int.Parse(Value(pod, "terminationGracePeriodSeconds"), CultureInfo.InvariantCulture) > drain + before);

        string[] mounts = [.. container["volumeMounts"]!.AsArray().Select(m => Value(m!, "name"))];
        Assert.Equal(mounts.Order(StringComparer.Ordinal),
            pod["volumes"]!.AsArray().Select(v => Value(v!, "name")).Order(StringComparer.Ordinal));
        foreach (var path in variables.Values.Where(v => v.StartsWith('/')))
            Assert.Contains(container["volumeMounts"]!.AsArray(),
                m => path.StartsWith(Value(m!, "mountPath") + "/", StringComparison.Ordinal));

        var pool = Kind("InferencePool")["spec"]!;
        Assert.Equal(Value(template["metadata"]!["labels"]!, "app"), Value(pool["selector"]!["matchLabels"]!, "app"));
        Assert.Equal(port, Value(pool["targetPorts"]![0]!, "number"));
    }

    [Fact]
    public async Task ThePicker_ReadsMeasurementsThatThereAre()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var metrics = await server.Http.GetStringAsync("metrics");
        var picker = Kind("EndpointPickerConfig");
        string[] plugins = [.. picker["plugins"]!.AsArray().Select(p => Value(p!, p!["name"] is null ? "type" : "name"))];
        foreach (var used in picker["schedulingProfiles"]!.AsArray().SelectMany(p => p!["plugins"]!.AsArray())
            .Concat(picker["dataLayer"]!["sources"]!.AsArray())
            .Concat(picker["dataLayer"]!["sources"]!.AsArray().SelectMany(s => s!["extractors"]!.AsArray())))
            Assert.Contains(Value(used!, "pluginRef"), plugins);
        var parameters = picker["plugins"]!.AsArray().Single(p => p!["parameters"] is not null)!["parameters"]!;
        var engine = parameters["engineConfigs"]!.AsArray().Single()!;
        Assert.Equal(Value(parameters, "defaultEngine"), Value(engine, "name"));
        foreach (var name in new[] { "queuedRequestsSpec", "runningRequestsSpec", "kvUsageSpec" })
            Assert.Matches($@"(?m)^# TYPE {Value(engine, name)} gauge\r?$", metrics);
    }

    [Fact]
    public async Task Proxies_GetTheServersOwnLimits()
    {
        var defaults = new D2PrunerServerOptions();
        Assert.Contains($"client_max_body_size {defaults.MaxBodyBytes >> 20}m;", Text, StringComparison.Ordinal);
        Assert.Contains($"proxy_read_timeout {defaults.RequestTimeout.TotalSeconds}s;", Text, StringComparison.Ordinal);
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), inMemory: true);
        var response = await server.Http.PostAsync("v1/chat/completions", RunningServer.Json(RunningServer.ChatBody("\"stream\":true")));
        Assert.Equal("no", response.Headers.GetValues("X-Accel-Buffering").Single());
    }

    private static void Known(string variable)
    {
        if (variable.StartsWith(EnvironmentPrefix, StringComparison.Ordinal))
            Assert.NotNull(typeof(D2PrunerServerOptions).GetProperty(variable[EnvironmentPrefix.Length..]));
        else Assert.Contains(variable, Settings);
    }

    private static IEnumerable<string> Blocks(string language) =>
        Regex.Matches(Text, $"```{language}\n(.*?)```", RegexOptions.Singleline).Select(m => m.Groups[1].Value);

    private static IEnumerable<string> Flags(string command, string flag) =>
        Regex.Matches(command, $@"(?<= ){flag} (\S+)").Select(m => m.Groups[1].Value);

    // The one document of a kind.
    private static JsonNode Kind(string kind)
    {
        var (read, write) = (new DeserializerBuilder().Build(), new SerializerBuilder().JsonCompatible().Build());
        return Blocks("yaml").Select(yaml => JsonNode.Parse(write.Serialize(read.Deserialize<object>(yaml)))!)
            .Single(n => Value(n, "kind") == kind);
    }

    private static string Value(JsonNode node, string name) => node[name]!.GetValue<string>();

    [GeneratedRegex("configuration\\[\"(\\w+)\"\\]")]
    private static partial Regex SettingName();

    [GeneratedRegex(@"dotnet publish (\S+)")]
    private static partial Regex PublishedProject();
}
