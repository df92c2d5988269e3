using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace D2Pruner.AI.Tests.Samples;

/// <summary>The project templates as they stand; tests/Packages/consumer.sh makes applications of them.</summary>
public sealed class TemplateTests
{
    private static readonly string Content = Path.Combine(Repository.Root, "templates", "content");

    [Theory]
    [InlineData("d2pruner-chat")]
    [InlineData("d2pruner-api")]
    public void AnyPath_IsAJsonTextInTheSettings(string template)
    {
        const string path = @"C:\models\the ""new"" one";
        var text = File.ReadAllText(Path.Combine(Content, template, ".template.config", "template.json"));
        var json = JsonDocument.Parse(text).RootElement;
        var symbol = json.GetProperty("symbols").EnumerateObject().Select(s => s.Value)
            .Single(s => s.TryGetProperty("replaces", out var replaced) && replaced.GetString() == "MODEL_ID");
        Assert.Equal("model", symbol.GetProperty("valueSource").GetString());
        var written = Form(json.GetProperty("forms"), symbol.GetProperty("valueTransform").GetString()!, path);
        var settings = File.ReadAllText(Path.Combine(Content, template, "appsettings.json"))
            .Replace("MODEL_ID", written, StringComparison.Ordinal);
        Assert.Equal(path, JsonDocument.Parse(settings).RootElement.GetProperty("D2Pruner").GetProperty("Models").GetProperty("default")
            .GetProperty("ModelPath").GetString());
        // MSBuild, which writes it into the package, turns them into slashes where paths have these.
        Assert.DoesNotContain("\\", text, StringComparison.Ordinal);
    }

    [Fact]
    public void ABadPicture_DoesNotEndTheConversation() =>
        Assert.Contains("catch (Exception e) when (e.GetVisionErrorKind() is not null)",
            File.ReadAllText(Path.Combine(Content, "d2pruner-chat", "Program.cs")), StringComparison.Ordinal);

    // As dotnet new does it.
    private static string Form(JsonElement forms, string name, string value)
    {
        var form = forms.GetProperty(name);
        return form.GetProperty("identifier").GetString() switch
        {
            "chain" => form.GetProperty("steps").EnumerateArray().Aggregate(value, (v, step) => Form(forms, step.GetString()!, v)),
            "jsonEncode" => JsonSerializer.Serialize(value),
            "replace" => Regex.Replace(value, form.GetProperty("pattern").GetString()!, form.GetProperty("replacement").GetString()!),
            var other => throw new NotSupportedException($"The form '{other}' is not known here."),
        };
    }
}
