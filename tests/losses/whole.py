"""Losses that tie rows together, by loops over NumPy arrays in float64 as their papers write them."""

import numpy as np


def rows(x, y, real, group):
    """The rows that are real, in float64."""
    keep = np.asarray(real)
    return np.asarray(x, np.float64)[keep], np.asarray(y, np.float64)[keep], np.asarray(group)[keep]


def dcca(x, y, group, ridge=1e-3, top=None):
    """By roots of the covariances, whose eigenvectors are those of numpy."""
    n = len(x)
    x, y = x - x.mean(0), y - y.mean(0)

    def root(s):
        values, vectors = np.linalg.eigh(s)
        return vectors @ np.diag(values**-0.5) @ vectors.T

    one = root(x.T @ x / (n - 1) + ridge * np.eye(x.shape[1]))
    two = root(y.T @ y / (n - 1) + ridge * np.eye(y.shape[1]))
    return -np.linalg.svd(one @ (x.T @ y / (n - 1)) @ two)[1][:top].sum()


def dcca_ey(x, y, group):
    cov = np.cov(np.hstack([x, y]).T)
    d = x.shape[1]
    c = cov[:d, d:] + cov[d:, :d]
    v = cov[:d, :d] + cov[d:, d:]
    return -2 * np.trace(c) + np.trace(v @ v)


def barlow_twins(x, y, group, redundancy=5e-3):
    x, y = ((one - one.mean(0)) / np.sqrt(one.var(0, ddof=1) + 1e-5) for one in (x, y))
    total = 0.0
    for i in range(x.shape[1]):
        for j in range(x.shape[1]):
            r = sum(x[:, i] * y[:, j]) / (len(x) - 1)
            total += (1 - r) ** 2 if i == j else redundancy * r**2
    return total


def vicreg(x, y, group, invariance=25.0, variance=25.0, covariance=1.0):
    total = invariance * np.mean((x - y) ** 2)
    for z in (x, y):
        s = np.cov(z.T)
        total += variance * np.mean(np.maximum(0, 1 - np.sqrt(np.diag(s) + 1e-4))) / 2
        total += covariance * sum(s[i, j] ** 2 for i in range(len(s)) for j in range(len(s)) if i != j) / len(s)
    return total


def pair(x, y, group, margin=1.0):
    same, other = [], []
    for i in range(len(x)):
        for j in range(len(y)):
            d = np.linalg.norm(x[i] - y[j])
            same.append(d**2) if group[i] == group[j] else other.append(max(0, margin - d) ** 2)
    return np.mean(same) + np.mean(other or [0])


def anchors(cost, x, y, group):
    """The mean over anchors of both views that have a cost."""
    found = [cost(i, a, b, group) for a, b in ((x, y), (y, x)) for i in range(len(a))]
    return np.mean([one for one in found if one is not None])


def triplet(x, y, group, margin=0.2, mine="semi_hard"):
    def cost(i, a, b, group):
        own = np.linalg.norm(a[i] - b[i])
        others = [np.linalg.norm(a[i] - b[j]) for j in range(len(b)) if group[j] != group[i]]
        if not others:
            return None
        beyond = [d for d in others if d > own]
        chosen = min(others) if mine == "hardest" else min(beyond) if beyond else max(others)
        return max(0, margin + own - chosen)

    return anchors(cost, x, y, group)


def quadruplet(x, y, group, margin=0.2, second=0.1):
    def cost(i, a, b, group):
        own = np.linalg.norm(a[i] - b[i])
        others = [(np.linalg.norm(a[i] - b[j]), j) for j in range(len(b)) if group[j] != group[i]]
        if not others:
            return None
        near, n = min(others)
        thirds = [np.linalg.norm(a[k] - b[n]) for k in range(len(a)) if group[k] not in (group[i], group[n])]
        if not thirds:
            return None
        return max(0, margin + own - near) + max(0, second + own - min(thirds))

    return anchors(cost, x, y, group)


def multi_similarity(x, y, group, same=2.0, other=50.0, middle=0.5, margin=0.1):
    x, y = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (x, y))

    def cost(i, a, b, group):
        s = [float(a[i] @ b[j]) for j in range(len(b))]
        p = [s[j] for j in range(len(b)) if group[j] == group[i]]
        n = [s[j] for j in range(len(b)) if group[j] != group[i]]
        if not n:
            return None
        kept_p = [one for one in p if one < max(n) + margin]
        kept_n = [one for one in n if one > min(p) - margin]
        near = np.log(1 + sum(np.exp(-same * (one - middle)) for one in kept_p)) / same
        return near + np.log(1 + sum(np.exp(other * (one - middle)) for one in kept_n)) / other

    return anchors(cost, x, y, group)


def n_pair(x, y, group, length=2e-3):
    def cost(i, a, b, group):
        others = [j for j in range(len(b)) if group[j] != group[i]]
        if not others:
            return None
        return np.log(1 + sum(np.exp(a[i] @ b[j] - a[i] @ b[i]) for j in others)) + length * a[i] @ a[i]

    return anchors(cost, x, y, group)


def clip(x, y, group, scale=5.0):
    total = 0.0
    for a, b in ((x, y), (y, x)):
        for i in range(len(a)):
            logits = [scale * float(a[i] @ b[j]) for j in range(len(b))]
            total += np.log(sum(np.exp(logits))) - np.mean([logits[j] for j in range(len(b)) if group[j] == group[i]])
    return total / len(x) / 2
