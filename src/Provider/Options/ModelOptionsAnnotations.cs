using D2Pruner.AI.Runtime;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI;

/// <summary>Generated from the annotations.</summary>
[OptionsValidator]
internal sealed partial class ModelOptionsAnnotations : IValidateOptions<VisionModelOptions>;
