"""What a graph may compute with: operators that turn tensors into tensors, the same ones every time.

None that opens a file, calls code, draws random numbers, or repeats and branches, which no one can bound beforehand.
"""

from __future__ import annotations

from onnx import AttributeProto, GraphProto, NodeProto

from ..errors import BadModelError, RefusedError

_ARITHMETIC = """Abs Acos Acosh Add And Asin Asinh Atan Atanh BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BitShift Cast CastLike Ceil
Clip Cos Cosh Div Equal Erf Exp Floor Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Log Max Mean Min Mod Mul Neg Not Or Pow
Reciprocal Round Sign Sin Sinh Sqrt Sub Sum Tan Where Xor"""
_ACTIVATIONS = """Celu Elu Gelu Hardmax HardSigmoid HardSwish LeakyRelu LogSoftmax Mish PRelu Relu Selu Shrink Sigmoid Softmax Softplus
Softsign Swish Tanh ThresholdedRelu"""
_LAYERS = """Attention AveragePool BatchNormalization Conv ConvTranspose DeformConv DFT Dropout Einsum Gemm GlobalAveragePool GlobalLpPool
GlobalMaxPool GridSample GroupNormalization InstanceNormalization LayerNormalization LpNormalization LpPool LRN MatMul MaxPool
MaxUnpool MeanVarianceNormalization RMSNormalization"""
_REDUCTIONS = """ArgMax ArgMin CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
ReduceSum ReduceSumSquare TopK"""
_SHAPES = """AffineGrid CenterCropPad Col2Im Compress Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather
GatherElements GatherND Identity NonZero OneHot Pad Range Reshape Resize ReverseSequence Scatter ScatterElements ScatterND Shape Size Slice
SpaceToDepth Split Squeeze Tile Transpose Trilu Unsqueeze Upsample"""
_WHOLE_NUMBERS = (
    "ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul QuantizeLinear"
)

STANDARD = frozenset(" ".join((_ARITHMETIC, _ACTIVATIONS, _LAYERS, _REDUCTIONS, _SHAPES, _WHOLE_NUMBERS)).split())
# what ONNX Runtime's own tools write
_CONTRIBUTED = """BiasGelu DequantizeLinear DynamicQuantizeMatMul FastGelu FusedConv FusedGemm FusedMatMul Gelu GridSample GroupNorm
MatMulIntegerToFloat MatMulNBits NhwcFusedConv NhwcMaxPool QGemm QLinearAdd QLinearAveragePool QLinearConcat QLinearConv
QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearSigmoid QLinearSoftmax QuantizeLinear QuickGelu"""
ONNX_RUNTIME = frozenset(_CONTRIBUTED.split())
_ALLOWED = {"": STANDARD, "ai.onnx": STANDARD, "com.microsoft": ONNX_RUNTIME}
_ROUNDING = ("QuantizeLinear", "DynamicQuantize", "QLinear", "QGemm")
_CONTROL_FLOW = {"If", "Loop", "Scan", "SequenceMap"}


def check_operators(graph: GraphProto) -> None:
    """Raises RefusedError for control flow, BadModelError for what is not on the list."""
    for node in graph.node:
        _check(node)


def is_quantised(graph: GraphProto) -> bool:
    """Whether maps become whole numbers on the way; weights that are stored as such do not count."""
    return any(node.op_type.startswith(_ROUNDING) or "Integer" in node.op_type for node in graph.node)


def _check(node: NodeProto) -> None:
    inner = any(attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for attribute in node.attribute)
    if inner or (node.op_type in _CONTROL_FLOW and node.domain in ("", "ai.onnx")):
        text = f"it has a loop or a branch ({node.op_type[:40]}), which may take too long or for ever"
        raise RefusedError(text, hint="export the model again without control flow", name="model-control-flow")
    if node.op_type not in _ALLOWED.get(node.domain, frozenset()):
        name = f"{node.domain}.{node.op_type}"[:80] if node.domain else node.op_type[:80]
        raise BadModelError(f"its operator {name} is not supported", name="model-operator")
