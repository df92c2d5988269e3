namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Tries again what may pass, with growing pauses or those the server asks for.</summary>
internal sealed class HubRetry(HubOptions options, Action<string> tell)
{
    /// <summary>Runs an operation until it succeeds, fails for good, or failed too often in a row without progress.</summary>
    /// <param name="what">What it is, for messages.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="progressed">Whether the last try got somewhere, so that counting starts anew; null for never.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="HubException">It failed too often.</exception>
    public async Task<T> RunAsync<T>(string what, Func<Task<T>> operation, Func<bool>? progressed, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            Exception failure;
            try
            {
                return await operation().ConfigureAwait(false);
            }
            catch (Exception e) when (
                e is HttpRequestException or TimeoutException or HubRetryException
                || (e is IOException && e is not HubException && e.InnerException is System.Net.Sockets.SocketException))
            {
                failure = e;
            }

            if (progressed?.Invoke() == true) failures = 1;
            var retry = failure as HubRetryException;
            var pause = retry?.After ?? options.RetryDelay * Math.Pow(2, failures - 1);
            var limited = retry?.Limited == true;
            if (pause > options.LongestWait && retry?.After is not null)
                throw new HubException(HubErrorKind.RateLimited,
                    $"{what}: {failure.Message}, and asks to wait {pause.TotalSeconds:F0} s. Try again " +
                    $"later{(limited ? "; with a token (HF_TOKEN) the limits are higher" : "")}.", failure);
            if (failures >= options.Tries)
            {
                throw new HubException(limited ? HubErrorKind.RateLimited : HubErrorKind.Unreachable,
                    $"{what}: given up after {failures} tries: {failure.Message}. Check the network, a proxy (HTTPS_PROXY) and " +
                    $"HF_ENDPOINT ({options.Endpoint}); what was fetched is kept and the next run goes on from there.", failure);
            }

            if (pause > options.LongestWait) pause = options.LongestWait;
            tell($"{what}: {failure.Message}; trying again in {pause.TotalSeconds:0.#} s ({failures} of {options.Tries - 1})");
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        }
    }
}
