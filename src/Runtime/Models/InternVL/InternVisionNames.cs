namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>What the tensors of tower and projector are called.</summary>
internal sealed record InternVisionNames
{
    public required string ClassToken { get; init; }

    public required string Patch { get; init; }

    public required string Positions { get; init; }

    public required string Block { get; init; }

    /// <summary>One fused matrix (rows q; k; v), or null for three.</summary>
    public string? FusedQkv { get; init; }

    public required string Attention { get; init; }

    public required string Output { get; init; }

    public required string Norm1 { get; init; }

    public required string Norm2 { get; init; }

    public required string Scale1 { get; init; }

    public required string Scale2 { get; init; }

    public required string ProjectorNorm { get; init; }

    public required string Projector1 { get; init; }

    public required string Projector2 { get; init; }

    /// <summary>Of the remote code (modeling_intern_vit.py, mlp1).</summary>
    public static InternVisionNames Remote { get; } = new()
    {
        ClassToken = "vision_model.embeddings.class_embedding",
        Patch = "vision_model.embeddings.patch_embedding",
        Positions = "vision_model.embeddings.position_embedding",
        Block = "vision_model.encoder.layers.",
        FusedQkv = "attn.qkv",
        Attention = "attn.",
        Output = "attn.proj",
        Norm1 = "norm1",
        Norm2 = "norm2",
        Scale1 = "ls1",
        Scale2 = "ls2",
        ProjectorNorm = "mlp1.0",
        Projector1 = "mlp1.1",
        Projector2 = "mlp1.3",
    };

    /// <summary>Of transformers' InternVLVisionModel.</summary>
    public static InternVisionNames Native { get; } = new()
    {
        ClassToken = "model.vision_tower.embeddings.cls_token",
        Patch = "model.vision_tower.embeddings.patch_embeddings.projection",
        Positions = "model.vision_tower.embeddings.position_embeddings",
        Block = "model.vision_tower.encoder.layer.",
        Attention = "attention.",
        Output = "attention.projection_layer",
        Norm1 = "layernorm_before",
        Norm2 = "layernorm_after",
        Scale1 = "lambda_1",
        Scale2 = "lambda_2",
        ProjectorNorm = "model.multi_modal_projector.layer_norm",
        Projector1 = "model.multi_modal_projector.linear_1",
        Projector2 = "model.multi_modal_projector.linear_2",
    };
}
