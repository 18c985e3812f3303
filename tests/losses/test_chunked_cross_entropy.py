"""The loss in chunks against sums in fp64, against the plain formula, and on several devices."""

import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.chunked_cross_entropy import chunked_cross_entropy
from mmjax.losses.cross_entropy import cross_entropy, z_loss
from tests.command import ROOT

N, D, V = 14, 6, 11
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, D)).astype(np.float32)
KERNEL = RNG.normal(size=(D, V)).astype(np.float32)
TARGET = RNG.integers(0, V, N)
REAL = np.arange(N) % 5 != 3
OPTIONS = [dict(), dict(smoothing=0.1), dict(z_weight=0.02), dict(smoothing=0.3, z_weight=0.1)]


def plain(x, kernel, smoothing=0.0, z_weight=0.0):
    logits = jnp.asarray(x, jnp.float32) @ jnp.asarray(kernel, jnp.float32)
    each = cross_entropy(logits, TARGET, smoothing) + z_weight * z_loss(logits)
    return jnp.sum(jnp.where(REAL, each, 0))


def chunked(x, kernel, chunk=4, **options):
    return chunked_cross_entropy(x, kernel, TARGET, REAL, chunk=chunk, **options)


def close(found, expected, tolerance=1e-6):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("options", OPTIONS)
def test_each_token_has_the_loss_that_sums_over_the_vocabulary_give(options):
    found = chunked(X, KERNEL, **options)
    smoothing, weight = options.get("smoothing", 0.0), options.get("z_weight", 0.0)
    total = 0.0
    for n in range(N):
        logits = [sum(float(X[n, d]) * float(KERNEL[d, v]) for d in range(D)) for v in range(V)]
        log_sum = np.log(sum(np.exp(z) for z in logits))
        aim = [(1 - smoothing) * (v == TARGET[n]) + smoothing / V for v in range(V)]
        cross = -sum(a * (z - log_sum) for a, z in zip(aim, logits, strict=True))
        if REAL[n]:
            close(found.cross_entropy[n], cross, 2e-6)
            close(found.z_loss[n], log_sum**2, 2e-6)
            assert bool(found.right[n]) == (max(range(V), key=logits.__getitem__) == TARGET[n])
            total += cross + weight * log_sum**2
    close(found.objective, total)


@pytest.mark.parametrize("chunk", [1, 4, 5, 14, 100])
@pytest.mark.parametrize("options", OPTIONS)
def test_value_and_gradients_are_those_of_the_plain_formula_whatever_the_chunk(options, chunk):
    def loss(x, kernel):
        return chunked(x, kernel, chunk, **options).objective / 7  # a task divides by its count

    value, gradients = jax.jit(jax.value_and_grad(loss, (0, 1)))(X, KERNEL)
    expected, wanted = jax.value_and_grad(lambda *args: plain(*args, **options) / 7, (0, 1))(X, KERNEL)
    close(value, expected)
    jax.tree.map(close, gradients, wanted)
    close(value, chunked(X, KERNEL, chunk, **options).objective / 7)


def test_a_vocabulary_of_thousands_is_as_exact():
    rng = np.random.default_rng(1)
    x, kernel = rng.normal(size=(N, 32)), rng.normal(size=(32, 5000)) / 32**0.5
    x, kernel = x.astype(np.float32), kernel.astype(np.float32)
    found = jax.value_and_grad(lambda *args: chunked(*args, z_weight=1e-4).objective, (0, 1))(x, kernel)
    # In fp64 by hand: autodiff of the plain formula is itself off by some 1e-6 here.
    logits = np.float64(x) @ np.float64(kernel)
    log_sum = np.log(np.exp(logits).sum(-1, keepdims=True))
    dlogits = np.exp(logits - log_sum) * (1 + 2e-4 * log_sum) - (np.arange(5000) == TARGET[:, None])
    dlogits[~REAL] = 0
    each = log_sum[:, 0] - logits[np.arange(N), TARGET] + 1e-4 * log_sum[:, 0] ** 2
    close(found[0], each[REAL].sum())
    close(found[1][0], dlogits @ np.float64(kernel).T, 2e-6)
    close(found[1][1], np.float64(x).T @ dlogits, 2e-6)


def test_what_is_not_real_changes_nothing_and_gets_no_gradient_even_where_it_is_nan():
    def loss(x, kernel, target):
        return chunked_cross_entropy(x, kernel, target, REAL, chunk=4, smoothing=0.1, z_weight=0.1).objective

    broken = np.where(REAL[:, None], X, np.nan)
    clean, wild = (
        jax.value_and_grad(loss, (0, 1))(x, KERNEL, t) for x, t in ((X, TARGET), (broken, np.where(REAL, TARGET, -1)))
    )
    jax.tree.map(np.testing.assert_array_equal, wild, clean)
    assert not np.asarray(wild[1][0])[~REAL].any()
    nothing = chunked_cross_entropy(X, KERNEL, TARGET, np.zeros(N, bool), chunk=4)
    assert nothing.objective == 0 and np.isfinite(nothing.cross_entropy).all()


def test_only_the_objective_has_a_gradient():
    found = jax.grad(lambda kernel: jnp.sum(chunked(X, kernel).cross_entropy + chunked(X, kernel).z_loss))(KERNEL)
    assert not np.asarray(found).any()


def test_bf16_is_summed_in_fp32_and_gradients_have_the_types_of_what_they_are_of():
    x, kernel = jnp.asarray(X, jnp.bfloat16), jnp.asarray(KERNEL, jnp.bfloat16)
    value, gradients = jax.value_and_grad(lambda *a: chunked(*a, z_weight=0.1).objective, (0, 1))(x, kernel)
    wide = jax.value_and_grad(lambda *a: plain(*a, z_weight=0.1), (0, 1))(np.float32(x), np.float32(kernel))
    assert value.dtype == jnp.float32 and {g.dtype for g in gradients} == {jnp.dtype(jnp.bfloat16)}
    close(value, wide[0])
    jax.tree.map(lambda a, b: close(np.float32(a), b, 1e-2), gradients, wide[1])


def test_microbatches_in_a_scan_add_up_to_the_whole_batch():
    def one(gradients, part):
        x, target, real = part

        def loss(kernel):
            return chunked_cross_entropy(x, kernel, target, real, chunk=3).objective

        return gradients + jax.grad(loss)(KERNEL), None

    parts = [a.reshape(2, 7, *a.shape[1:]) for a in (X, TARGET, REAL)]
    found, _ = jax.jit(lambda parts: jax.lax.scan(one, jnp.zeros_like(KERNEL), parts))(parts)
    close(found, jax.grad(plain, 1)(X, KERNEL))


def products(function, *args):
    return len(re.findall(r"= dot_general|dot_general\[", str(jax.make_jaxpr(function)(*args))))


def test_without_gradients_none_are_formed():
    assert products(lambda *a: chunked(*a).objective, X, KERNEL) == 1
    assert products(jax.grad(lambda *a: chunked(*a).objective, (0, 1)), X, KERNEL) == 3


def test_logits_of_more_than_a_chunk_are_never_held():
    rows = np.zeros(1024, int)

    def loss(x, kernel):
        return chunked_cross_entropy(x, kernel, rows, rows == 0, chunk=64).objective

    args = jnp.ones((1024, 8)), jnp.ones((8, 4096))
    used = jax.jit(jax.value_and_grad(loss, (0, 1))).lower(*args).compile().memory_analysis().temp_size_in_bytes
    assert used < 1024 * 4096 * 4 / 4


def test_a_chunk_of_no_token_is_an_error():
    with pytest.raises(ValueError, match="chunk is 0; expected at least 1 token"):
        chunked(X, KERNEL, 0)


EIGHT = """
import re
import sys
import jax, numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from mmjax.losses.chunked_cross_entropy import chunked_cross_entropy
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap

SENDS = r" (all-|reduce-scatter|collective-permute)[\\w-]*\\("
rng = np.random.default_rng(0)
batch = {"x": rng.normal(size=(40, 16)).astype(np.float32), "target": rng.integers(0, 64, 40)}
batch["real"] = rng.random(40) < np.arange(40) / 40
kernel = rng.normal(size=(16, 64)).astype(np.float32)

def step(kernel, batch):
    def loss(kernel, x):
        found = chunked_cross_entropy(x, kernel, batch["target"], batch["real"], chunk=2, smoothing=0.1, z_weight=0.1)
        return found.objective, (found.cross_entropy, found.right)
    (value, each), (dkernel, dx) = jax.value_and_grad(loss, (0, 1), has_aux=True)(kernel, batch["x"])
    return {"value": value, "dkernel": dkernel}, {"dx": dx, "each": each}

def shared(kernel, batch):
    sums, rows = step(kernel, batch)
    return jax.lax.psum(sums, "devices"), rows

wanted = jax.device_get(jax.jit(step)(kernel, batch))
def check(name, found):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6 * np.abs(other).max(), err_msg=name)

pmap = Pmap()
sums, rows = pmap.compile(shared, donate=False)(pmap.put_state(kernel), pmap.put_batch(batch))
check("pmap", (pmap.fetch(sums), pmap.gather(rows)))

columns, whole = (None, "tensor"), PartitionSpec()
for axes, rule in (
    ({"data": 8}, ()), ({"fsdp": 8}, "fsdp"), ({"fsdp": 8}, ("fsdp", None)), ({"data": 2, "tensor": 4}, columns),
    ({"data": 2, "fsdp": 2, "tensor": 2}, ("fsdp", "tensor")),
):
    mesh = Mesh(axes=axes, rules=((".*", rule),))
    state = mesh.put_state({"params": {"kernel": kernel}})["params"]["kernel"]
    compiled = mesh.compile(step, donate=False)
    check(str(axes), jax.device_get(compiled(state, mesh.put_batch(batch))))
    with jax.set_mesh(mesh.mesh):
        text = jax.jit(step).lower(state, mesh.put_batch(batch)).compile().as_text()
    bodies = re.findall(r"\\n%?[^\\n]*(?:body|region)[^\\n]*\\{\\n(.*?)\\n\\}", text, re.S)
    sent = [line.partition(" = ")[2] for line in "\\n".join(bodies).splitlines() if re.search(SENDS, line)]
    shapes = [shape.split(",") for line in sent for shape in re.findall(r"f32\\[([\\d,]+)\\]", line)]
    sizes = [np.prod([int(n) for n in shape]) for shape in shapes]
    dots = [re.search(r"\\[([\\d,]+)\\]", line)[1] for line in text.splitlines() if re.search(r" dot\\(", line)]
    print(len(sent), max(sizes, default=0), *dots)
"""


def test_meshes_and_pmap_agree_with_one_device_and_send_no_kernel_in_the_loop_over_chunks(environment):
    command = [sys.executable, "-c", EIGHT]
    done = subprocess.run(command, cwd=ROOT, env=environment(8), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Only where a tensor axis splits the vocabulary: numbers of a token, and its x of 16 for each of a chunk's two.
    lines = [line.split() for line in done.stdout.splitlines()]
    sent = [tuple(map(int, line[:2])) for line in lines]
    assert sent[:3] == [(0, 0)] * 3
    assert len(sent) == 5 and all(n and largest == 2 * 16 for n, largest in sent[3:])
    # A device's logits, their gradients with regard to x and to the kernel: of its own part of the vocabulary.
    for line, columns in zip(lines, (64, 64, 64, 64 // 4, 64 // 2), strict=True):
        assert sorted(line[2:]) == sorted([f"2,{columns}", "2,16", f"16,{columns}"])
