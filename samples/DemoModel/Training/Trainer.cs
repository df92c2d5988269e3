using System.Diagnostics;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>
/// Runs a plan with two or more single-threaded workers in lock-step: each has its replica and its share of every batch, gradients are
/// averaged, each updates its part of the one master vector and writes it to all replicas. The same seed
/// and number of workers give the same run.
/// </summary>
internal sealed class Trainer
{
    private const float AverageDecay = 0.998f;
    private const double MaxNorm = 1.0;

    // At the decoder's full rate the projector blows up the first feature that pays (shape: fifteen times the size of words after 400
    // steps) and drowns the others (docs/log.md).
    private const double ProjectorRate = 0.05;
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(2);
    private readonly string _folder;
    private readonly TrainingPlan _plan;
    private readonly int _workers;
    private readonly ParameterLayout _layout;
    private readonly LlavaBlueprint _blueprint;
    private readonly PromptIds _prompts;
    private readonly TrainingState _state;
    private readonly TrainingLog _log;
    private readonly Replica[] _replicas;
    private readonly float[] _gradient;
    private readonly double[,] _norms;
    private readonly string[] _modules = ["tower", "dense", "projector", "decoder"];

    private Trainer(string folder, TrainingPlan plan, int workers, bool resume)
    {
        (_folder, _plan, _workers) = (folder, plan, workers);
        ModelFolder.WriteConfiguration(folder);
        (_blueprint, var tokenizer) = ModelFolder.Open(folder);
        _prompts = new PromptIds(tokenizer, new LlavaTemplate());
        _layout = ParameterLayout.Of(_blueprint, ModelFolder.Width);
        var checkpoint = Path.Combine(folder, TrainingState.FileName);
        if (resume && !File.Exists(checkpoint))
            throw new FileNotFoundException($"There is no {TrainingState.FileName} in {folder}; start with 'train'.");
        _state = resume
            ? TrainingState.Load(checkpoint, _layout)
            : new TrainingState(new AdamW(_layout, FirstValues()));
        _log = new TrainingLog(folder, append: resume);
        _replicas = [.. Enumerable.Range(0, workers).Select(_ => new Replica(_layout, _blueprint))];
        foreach (var r in _replicas) r.Write(_state.Optimizer.Master, 0);
        _gradient = new float[_layout.Size];
        _norms = new double[workers, _modules.Length];
    }

    /// <summary>Starts or continues a run.</summary>
    /// <param name="folder">Where the model and everything about the run is written.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="workers">Threads, a core each.</param>
    /// <param name="resume">Continue from the folder's checkpoint.</param>
    /// <param name="limit">Stop after this time.</param>
    /// <param name="cancellationToken">Stops after the current step; the checkpoint is written first.</param>
    /// <param name="stage">When resuming: go to the beginning of this stage.</param>
    /// <param name="freshDecoder">When resuming: keep the tower, begin projector and decoder anew.</param>
    public static void Run(string folder, TrainingPlan plan, int workers, bool resume, TimeSpan limit, bool freshDecoder, string? stage,
        CancellationToken cancellationToken)
    {
        set_num_threads(1);
        var trainer = new Trainer(folder, plan, workers, resume);
        if (resume && freshDecoder) trainer.RestartDecoder();
        if (resume && stage is not null) trainer.GoTo(stage);
        trainer.RunStages(limit, cancellationToken);
        foreach (var r in trainer._replicas) r.Dispose();
    }

    private void RunStages(TimeSpan limit, CancellationToken cancellationToken)
    {
        var total = Stopwatch.StartNew();
        while (_state.Stage < _plan.Stages.Count)
        {
            var stage = _plan.Stages[_state.Stage];
            if (!stage.Dense && !_state.ProjectorFitted) FitProjector();
            _log.Say($"stage {stage.Name}: {stage.Steps} steps, from step {_state.Step}");
            RunStage(stage, total, limit, cancellationToken);
            _state.Save(_folder);
            ModelFolder.WriteWeights(_folder, _layout, _state.Optimizer.Average);
            _log.Draw();
            if (cancellationToken.IsCancellationRequested || total.Elapsed >= limit) break;
            _state.Stage++;
            _state.Step = 0;
            _state.Save(_folder);
        }

        _log.Say(_state.Stage >= _plan.Stages.Count ? "the plan is done" : $"stopped; 'resume --out {_folder}' continues");
    }

    private float[] FirstValues() =>
        Initializer.Create(_layout, _plan.Seed, ModelFolder.TowerLayers, ModelFolder.DecoderLayers, _prompts.First, _prompts.Others);

    private void RestartDecoder()
    {
        var fresh = FirstValues();
        var o = _state.Optimizer;
        foreach (var slot in _layout.Slots.Where(s => s.Module is "projector" or "decoder"))
        {
            fresh.AsSpan(slot.Offset, slot.Count).CopyTo(o.Master.AsSpan(slot.Offset));
            fresh.AsSpan(slot.Offset, slot.Count).CopyTo(o.Average.AsSpan(slot.Offset));
            Array.Clear(o.First, slot.Offset, slot.Count);
            Array.Clear(o.Second, slot.Offset, slot.Count);
        }

        (_state.ProjectorFitted, _state.DecoderSteps, _state.Questions, _state.Step) = (false, 0, 0, 0);
        _state.Stage = _plan.Stages.ToList().FindIndex(s => !s.Dense);
    }

    private void GoTo(string name)
    {
        var index = _plan.Stages.ToList().FindIndex(s => s.Name == name);
        if (index < 0)
            throw new ArgumentException(
                $"The plan has no stage '{name}'; it has {string.Join(", ", _plan.Stages.Select(s => s.Name))}.", nameof(name));
        (_state.Stage, _state.Step) = (index, 0);
    }

    private void FitProjector()
    {
        _log.Say("fitting the projector to the tower's features");
        // The tower is used as its running average from here on.
        foreach (var slot in _layout.Slots.Where(s => s.Module == "tower"))
            _state.Optimizer.Average.AsSpan(slot.Offset, slot.Count).CopyTo(_state.Optimizer.Master.AsSpan(slot.Offset, slot.Count));
        _replicas[0].Write(_state.Optimizer.Master, 0);
        ProjectorFit.Apply(_replicas[0], _state.Optimizer, _plan.Seed, _log.Say);
        foreach (var r in _replicas) r.Write(_state.Optimizer.Master, 0);
        _state.ProjectorFitted = true;
        _state.Save(_folder);
    }

    private IStage Create(StagePlan stage) => stage.Dense
        ? new TowerStage(stage.Grid, stage.Batch, new SceneOptions(stage.MinObjects, stage.MaxObjects, stage.PlateChance, stage.MaxPlates),
            stage.AbsoluteWeight)
        : new DecoderStage(stage, _prompts);

    private void RunStage(StagePlan stage, Stopwatch total, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var barrier = new Barrier(_workers);
        using var abort = new CancellationTokenSource();
        var statistics = Enumerable.Range(0, _workers).Select(_ => new StepStatistics()).ToArray();
        var failures = new List<Exception>();
        var go = true;
        var lastSave = Stopwatch.StartNew();
        var lastReport = Stopwatch.StartNew();
        var reported = _state.Step;
        var threads = Enumerable.Range(0, _workers).Select(w => new Thread(() =>
        {
            try
            {
                set_num_threads(1);
                var work = Create(stage);
                var from = (int)((long)_layout.Size * w / _workers / 16 * 16);
                var to = w == _workers - 1 ? _layout.Size : (int)((long)_layout.Size * (w + 1) / _workers / 16 * 16);
                while (go)
                {
                    var step = _state.Step;
                    Array.Clear(_replicas[w].Gradient);
                    work.Step(_replicas[w], new Rng((ulong)Split.Train, _plan.Seed, (ulong)_state.Stage, (ulong)step, (ulong)w),
                        statistics[w]);
                    barrier.SignalAndWait(abort.Token);
                    Average(from, to, w, work.Modules);
                    barrier.SignalAndWait(abort.Token);
                    Update(from, to, work.Modules, stage.RateAt(step), stage.Dense);
                    barrier.SignalAndWait(abort.Token);
                    if (w == 0) After();
                    barrier.SignalAndWait(abort.Token);
                }
            }
            catch (OperationCanceledException) when (abort.IsCancellationRequested)
            {
            }
            catch (Exception e)
            {
                lock (failures) failures.Add(e);
                abort.Cancel();
            }
        }, 16 << 20)).ToArray();

        void After()
        {
            _state.Step++;
            if (stage.Dense) _state.TowerSteps++;
            else _state.DecoderSteps++;
            _state.Pictures += stage.Batch * _workers;
            _state.Questions += (long)stage.Batch * _workers * stage.Questions;
            if (_state.Step % 25 == 0 || _state.Step == stage.Steps)
            {
                _state.Seconds += lastReport.Elapsed.TotalSeconds;
                var perStep = lastReport.Elapsed.TotalSeconds / Math.Max(1, _state.Step - reported);
                (reported, _) = (_state.Step, 0);
                lastReport.Restart();
                foreach (var s in statistics.AsSpan(1)) statistics[0].Add(s);
                for (var m = 0; m < _modules.Length; m++)
                    statistics[0].Add($"norm.{_modules[m]}", Math.Sqrt(Enumerable.Range(0, _workers).Sum(w => _norms[w, m])));
                _log.Write(stage, _state, perStep, statistics[0]);
                foreach (var s in statistics) s.Clear();
                if (_state.Step % 500 == 0) _log.Draw();
            }

            if (lastSave.Elapsed > SaveEvery)
            {
                _state.Save(_folder);
                lastSave.Restart();
            }

            go = _state.Step < stage.Steps && total.Elapsed < limit && !cancellationToken.IsCancellationRequested;
        }

        if (_state.Step >= stage.Steps) return;
        foreach (var t in threads) t.Start();
        foreach (var t in threads) t.Join();
        if (failures.Count > 0)
            throw new InvalidOperationException(
                $"Training stopped in stage {stage.Name} at step {_state.Step}: {failures[0].Message}", failures[0]);
    }

    private void Average(int from, int to, int worker, IReadOnlyCollection<string> modules)
    {
        for (var m = 0; m < _modules.Length; m++) _norms[worker, m] = 0;
        foreach (var slot in _layout.Slots.Where(s => modules.Contains(s.Module)))
        {
            var (start, end) = (Math.Max(slot.Offset, from), Math.Min(slot.Offset + slot.Count, to));
            if (start >= end) continue;
            double sum = 0;
            for (var i = start; i < end; i++)
            {
                var g = 0f;
                foreach (var r in _replicas) g += r.Gradient[i];
                g /= _workers;
                _gradient[i] = g;
                sum += g * g;
            }

            _norms[worker, Array.IndexOf(_modules, slot.Module)] += sum;
        }
    }

    private void Update(int from, int to, IReadOnlyCollection<string> modules, double rate, bool dense)
    {
        var scales = _modules.Select((_, m) =>
        {
            var norm = Math.Sqrt(Enumerable.Range(0, _workers).Sum(w => _norms[w, m]));
            if (!double.IsFinite(norm)) throw new InvalidOperationException($"The gradient of {_modules[m]} is not finite.");
            return (float)Math.Min(1, MaxNorm / Math.Max(norm, 1e-12));
        }).ToArray();
        foreach (var slot in _layout.Slots.Where(s => !s.Unused && modules.Contains(s.Module)))
        {
            var steps = (dense ? _state.TowerSteps : _state.DecoderSteps) + 1;
            var decay = (float)Math.Min(AverageDecay, steps / (steps + 10.0));
            var own = slot.Module == "projector" ? rate * ProjectorRate : rate;
            _state.Optimizer.Update(slot, from, to, _gradient, scales[Array.IndexOf(_modules, slot.Module)], own, steps, decay);
            var (start, end) = (Math.Max(slot.Offset, from), Math.Min(slot.Offset + slot.Count, to));
            if (start >= end) continue;
            foreach (var r in _replicas) r.Write(_state.Optimizer.Master.AsSpan(start, end - start), start);
        }
    }
}
