using D2Pruner.AI.Orleans.Placement;

namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>
/// A discrete-event simulation of a cluster's placement: the decisions are <see cref="WorkerChoice"/>'s own, made as the package makes them
/// (an image's place is kept once it is chosen; its worker hands questions on when it is over its bound; loads are known with a delay).
/// Images are asked about by Zipf's law, in bursts; workers die and come back empty.
/// </summary>
internal sealed class SimulatedCluster
{
    private const double BurstEvery = 20;
    private readonly SimulationSettings _settings;
    private readonly PlacementWeights _weights;
    private readonly Random _random;
    private readonly SimulatedWorker[] _workers;
    private readonly List<SimulatedWorker>[] _holders;
    private readonly int _spread;
    private readonly WorkerState[] _states;
    private readonly SimulatedWorker[] _candidates;
    private readonly Dictionary<(int Image, int Replica), SimulatedWorker> _places = [];
    private readonly PriorityQueue<(SimulatedWorker? Worker, SimulatedRequest? Request), double> _events = new();
    private readonly List<double> _times = [];
    private readonly List<SimulatedWorker> _avoided = [];
    private double _now;
    private double _toldAt = double.NegativeInfinity;
    private long _toldTotal;
    private int _alive;
    private int _hits;
    private long _hops;
    private int _refused;
    private int _cut;

    private SimulatedCluster(SimulationSettings settings)
    {
        _settings = settings;
        _weights = new PlacementWeights(settings.QueueWeight, 0, settings.LoadBound);
        _random = new Random(settings.Seed);
        _spread = WorkerChoice.Spread(settings.Spread, settings.Workers);
        _holders = [.. Enumerable.Range(0, settings.Workers * settings.ImagesPerWorker).Select(_ => new List<SimulatedWorker>(1))];
        _workers = [.. Enumerable.Range(0, settings.Workers).Select(i => new SimulatedWorker(i, settings.CachedImages, _holders))];
        _states = new WorkerState[settings.Workers];
        _candidates = new SimulatedWorker[settings.Workers];
        _alive = settings.Workers;
    }

    public static SimulationResult Run(SimulationSettings settings) => new SimulatedCluster(settings).Run();

    private SimulationResult Run()
    {
        var images = new ZipfImages(_settings.Workers * _settings.ImagesPerWorker, _settings.Zipf);
        var rate = _settings.Load * _settings.Workers * _settings.Slots / _settings.Hit;
        // Nine tenths of the time are calm, one is a burst; together they offer the load.
        var calm = rate / (0.9 + 0.1 * _settings.Burst);
        var left = _settings.Workers * _settings.RequestsPerWorker;
        var total = left;
        double arrival = 0, death = NextDeath();
        while (left > 0 || _events.Count > 0)
        {
            var ending = _events.TryPeek(out _, out var at) ? at : double.PositiveInfinity;
            var next = left > 0 ? arrival : double.PositiveInfinity;
            if (left > 0 && death < Math.Min(ending, next))
            {
                _now = death;
                Die();
                death = _now + NextDeath();
            }
            else if (ending <= next)
            {
                var (worker, request) = _events.Dequeue();
                _now = ending;
                if (request is null) Return(worker!);
                else End(worker!, request);
            }
            else
            {
                _now = next;
                left--;
                Arrive(new SimulatedRequest(images.Draw(_random), _now));
                arrival = _now + Exponential(_now % BurstEvery < BurstEvery / 10 ? calm * _settings.Burst : calm);
            }
        }

        _times.Sort();
        var answers = _workers.Sum(w => w.Answers);
        return new SimulationResult(
            (double)_hits / answers, Percentile(0.5), Percentile(0.95), Percentile(0.99),
            _workers.Max(w => w.Answers) / ((double)answers / _workers.Length), (double)_refused / total, _cut,
            (double)_hops / answers);
    }

    private void Arrive(SimulatedRequest request)
    {
        _avoided.Clear();
        var found = 0;
        for (var hops = 0; ; hops++)
        {
            // Who was told to be free a moment ago may be full: nobody is asked twice about that.
            if (found >= _alive || Place(request.Image, hops) is not { } worker)
            {
                _refused++;
                return;
            }

            var full = worker.Load >= _settings.Slots + _settings.Queue;
            if (!full && !(hops < _spread - 1 && !_settings.Random && IsOver(worker)))
            {
                _hops += hops;
                request.Hops += hops;
                Begin(worker, request);
                return;
            }

            if (full && !_avoided.Contains(worker)) found++;
            _avoided.Add(worker);
        }
    }

    private void Begin(SimulatedWorker worker, SimulatedRequest request)
    {
        if (worker.Running.Count >= _settings.Slots)
        {
            worker.Waiting.Enqueue(request);
            return;
        }

        request.Hit = worker.Use(request.Image);
        worker.Running.Add(request);
        // Answers differ in length: by a factor of e at most, in the mean as long as they are said to be.
        var length = Math.Exp(_random.NextDouble() - 0.5) / (Math.Exp(0.5) - Math.Exp(-0.5));
        _events.Enqueue((worker, request), _now + (request.Hit ? _settings.Hit : _settings.Miss) * length);
    }

    private void End(SimulatedWorker worker, SimulatedRequest request)
    {
        // Its worker has died since.
        if (!worker.Running.Remove(request)) return;
        worker.Answers++;
        if (request.Hit) _hits++;
        _times.Add(_now - request.Asked + request.Hops * _settings.Hop);
        if (worker.Waiting.TryDequeue(out var next)) Begin(worker, next);
    }

    // As the package does: a place is kept, and a new one is never at a worker that has just handed the request on.
    private SimulatedWorker? Place(int image, int replica)
    {
        if (_settings.Random) return AtRandom();
        if (_places.TryGetValue((image, replica), out var known) && known.Alive) return known;
        Tell();
        var count = _alive;
        foreach (var worker in _avoided) if (worker.Place >= 0 && worker.Place < count) Swap(worker.Place, --count);
        if (count == 0) count = _alive;
        Mark(image, true);
        var chosen = WorkerChoice.Choose(_states.AsSpan(0, count), Hash(image), 0, _weights);
        Mark(image, false);
        return chosen < 0 ? null : _places[(image, replica)] = _candidates[chosen];
    }

    private void Mark(int image, bool resident)
    {
        foreach (var holder in _holders[image]) _states[holder.Place] = _states[holder.Place] with { Resident = resident };
    }

    private void Swap(int one, int other)
    {
        (_states[one], _states[other]) = (_states[other], _states[one]);
        (_candidates[one], _candidates[other]) = (_candidates[other], _candidates[one]);
        (_candidates[one].Place, _candidates[other].Place) = (one, other);
    }

    private SimulatedWorker? AtRandom()
    {
        if (_avoided.Count > 0 && _workers.All(w => !w.Alive || w.Load >= _settings.Slots + _settings.Queue)) return null;
        while (true)
        {
            var worker = _workers[_random.Next(_workers.Length)];
            if (worker.Alive && (!_avoided.Contains(worker) || _avoided.Count >= _alive)) return worker;
        }
    }

    private bool IsOver(SimulatedWorker worker)
    {
        Tell();
        return WorkerChoice.IsOver(
            new WorkerState(worker.Id, worker.Load, _settings.Slots, 0, 0, false), _toldTotal - worker.ToldLoad + worker.Load, _alive,
            _settings.LoadBound);
    }

    private void Tell()
    {
        if (_now - _toldAt < _settings.LoadInterval) return;
        (_toldAt, _toldTotal) = (_now, 0);
        foreach (var worker in _workers) _toldTotal += worker.ToldLoad = worker.Load;
        Gather();
    }

    // Who may be chosen, by what they told last.
    private void Gather()
    {
        var count = 0;
        foreach (var worker in _workers)
        {
            worker.Place = -1;
            if (!worker.Alive) continue;
            _states[count] = new WorkerState(worker.Id, worker.ToldLoad, _settings.Slots, _settings.Slots + _settings.Queue, 0, false);
            _candidates[worker.Place = count++] = worker;
        }
    }

    private void Die()
    {
        var worker = _workers[_random.Next(_workers.Length)];
        if (!worker.Alive || _alive == 1) return;
        SimulatedRequest[] lost = [.. worker.Running, .. worker.Waiting];
        worker.Clear();
        (worker.Alive, worker.ToldLoad) = (false, 0);
        _alive--;
        Gather();
        _events.Enqueue((worker, null), _now + _settings.Restart);
        _cut += lost.Length;
        foreach (var request in lost.Where(r => !r.Retried))
        {
            request.Retried = true;
            Arrive(request);
        }
    }

    private void Return(SimulatedWorker worker)
    {
        worker.Alive = true;
        _alive++;
        Gather();
    }

    private double NextDeath() => Exponential(Math.Max(1e-12, _settings.DeathsPerHour * _settings.Workers / 3600));

    private double Exponential(double rate) => -Math.Log(1 - _random.NextDouble()) / rate;

    private double Percentile(double share) => _times.Count == 0 ? 0 : _times[Math.Min(_times.Count - 1, (int)(share * _times.Count))];

    private static ulong Hash(int image) => (ulong)(image + 1) * 0x9E3779B97F4A7C15;
}
