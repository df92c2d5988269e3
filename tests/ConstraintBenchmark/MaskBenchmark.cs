using System.Diagnostics;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.ConstraintBenchmark;

/// <summary>What a mask costs a step, with a real vocabulary and noise for logits: the first answer (states are met for
/// the first time) and later ones.</summary>
internal static class MaskBenchmark
{
    public static void Run(string folder)
    {
        var tokenizer = TokenizerLoader.Load(folder);
        int[] stops = [.. new[] { tokenizer.EosId, tokenizer.TokenToId("<|im_end|>") }.OfType<int>().Distinct()];
        var watch = Stopwatch.StartNew();
        var vocabulary = new TokenVocabulary(tokenizer, stops.ToHashSet());
        Console.WriteLine($"{tokenizer.VocabularySize} tokens, {vocabulary.All.Nodes} trie nodes ({vocabulary.NotPlain.Nodes} beside " +
            $"plain text), made in {watch.ElapsedMilliseconds} ms");
        var settings = new GenerationDefaults { StopIds = stops.ToHashSet() }.Merge(new GenerationSettings { Temperature = 0 });
        foreach (var (name, grammar) in Shapes.All())
        {
            watch.Restart();
            var automaton = new ByteAutomaton(grammar, vocabulary);
            var made = watch.Elapsed.TotalMilliseconds;
            for (var answer = 0; answer < 4; answer++)
            {
                var random = new Random(answer % 2);
                var logits = new float[Math.Max(tokenizer.VocabularySize, 151936)];
                var noise = new float[logits.Length];
                var constraint = new TokenConstraint(automaton);
                var times = new List<double>();
                for (var step = 0; step < 400 && !constraint.IsComplete; step++)
                {
                    for (var i = 0; i < noise.Length; i++) noise[i] = random.NextSingle();
                    noise.CopyTo(logits, 0);
                    watch.Restart();
                    constraint.Mask(logits, 4000 - step);
                    times.Add(watch.Elapsed.TotalMilliseconds);
                    var id = new Sampler(settings).Next(logits);
                    if (stops.Contains(id)) break;
                    watch.Restart();
                    constraint.Accept(id);
                    times[^1] += watch.Elapsed.TotalMilliseconds;
                }

                times.Sort();
                var kind = answer switch { 0 => "first", 1 => "other noise", 2 => "first again", _ => "other again" };
                Console.WriteLine($"{name,-16} made in {made,5:F1} ms; {kind,-12} {times.Count,4} steps: mean {times.Average():F3} ms, " +
                    $"median {times[times.Count / 2]:F3}, 99% {times[(int)(0.99 * (times.Count - 1))]:F3}, worst {times[^1]:F3}; " +
                    $"{automaton.StateCount} states");
            }
        }
    }
}
