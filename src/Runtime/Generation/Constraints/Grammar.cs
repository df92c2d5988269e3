using System.Text;
using D2Pruner.AI.Runtime.Text;
using D2Pruner.AI.Runtime.Generation.Constraints.Json;

namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>A grammar over bytes that an answer must follow. Immutable; safe for concurrent use; knows no vocabulary.</summary>
internal sealed class Grammar : AnswerGrammar
{
    private Grammar(AnswerShape shape, IReadOnlyList<GrammarNode> nodes, GrammarNode root, IReadOnlyList<string> relaxed)
        : base(KeyOf(shape), relaxed) => (Shape, Nodes, Root) = (shape, nodes, root);

    /// <summary>What it was compiled from.</summary>
    public AnswerShape Shape { get; }

    internal IReadOnlyList<GrammarNode> Nodes { get; }

    internal GrammarNode Root { get; }

    /// <summary>Compiles an answer's shape.</summary>
    /// <param name="shape">The shape.</param>
    /// <returns>The grammar; null where the shape allows any text.</returns>
    /// <exception cref="ArgumentException">A schema is not valid, or no value satisfies it; the message names the place.</exception>
    /// <exception cref="NotSupportedException">The shape is strict and a schema is outside the supported subset (the message names
    /// keyword and place), or too large.</exception>
    public static Grammar? Create(AnswerShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var builder = new GrammarBuilder();
        var json = new JsonGrammar(builder);
        var relaxed = new List<string>();
        GrammarNode? answer = null;
        if (shape.Schema is { } given)
        {
            var schema = SchemaDocument.Read(given, "The JSON schema of the answer");
            answer = json.Document(new SchemaCompiler(builder, json, schema, shape.Strict, relaxed, "#").Compile());
            RequirePossible(builder, answer, "The JSON schema of the answer");
        }
        else if (shape.Json)
        {
            answer = json.Document(json.ObjectOrArray);
        }

        var root = shape.Tools.Count == 0 ? answer : new ToolCallGrammar(builder, json, shape, relaxed).Root(answer);
        return root is null ? null : new Grammar(shape, builder.Nodes, root, relaxed);
    }

    internal static void RequirePossible(GrammarBuilder builder, GrammarNode node, string what)
    {
        if (new Possible(builder.Nodes).Contains(node)) return;
        throw new ArgumentException(
            $"{what} is satisfied by no value: its keywords contradict each other, or it refers to nothing but itself.");
    }

    private static string KeyOf(AnswerShape shape)
    {
        var key = new StringBuilder();
        key.Append(shape.Json ? 'j' : '-').Append(shape.Strict ? 's' : '-').Append((int)shape.ToolCalls)
            .Append(shape.SeveralCalls ? 'n' : '1').Append('\n');
        key.Append(shape.Schema?.GetRawText());
        foreach (var tool in shape.Tools) key.Append('\n').Append(PythonJson.Quote(tool.Name)).Append(tool.ParametersJson);
        return key.ToString();
    }
}
