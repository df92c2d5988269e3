namespace D2Pruner.AI.Server;

/// <summary>Nobody reads the answer any more.</summary>
internal sealed class ClientGoneException(Exception? inner) : Exception("The client went away.", inner);
