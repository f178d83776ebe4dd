"""Every loss of `LOSSES` as its paper prints it, with its derivatives written out, in float64 NumPy.

`ORACLE[name]` is a pair of functions of float64 logits, `discriminator(r, f)` and `generator(r, f)`; each returns
`(values, scale, slopes)`: `slopes` are the derivatives by r and by f (the generator's by f alone), and `scale` is how large the
terms are whose sum the value is, which is what float32 rounds.
"""

import numpy as np

C = 10.0  # from here on the f-GAN activations go on as tangents


def sigmoid(t):
    """Exact in both tails: each branch takes the exponential of a negative number."""
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1 / (1 + e), e / (1 + e))


def softplus(t):
    return np.logaddexp(0.0, t)


# ----------------------------------------------------------------------------- a term, or a cost, is a value and a slope

ZERO = (np.zeros_like, np.zeros_like)
LINEAR = (lambda t: t, np.ones_like)
SOFTPLUS = (softplus, sigmoid)
LOGISTIC = (lambda t: softplus(-t), lambda t: -sigmoid(-t))  # -log sigmoid(t)
HINGE = (lambda t: np.maximum(0, 1 - t), lambda t: np.where(t < 1, -1.0, 0.0))


def minus(term):
    return (lambda t: -term[0](t), lambda t: -term[1](t))


def mirrored(term):
    """t -> term(-t)."""
    return (lambda t: term[0](-t), lambda t: -term[1](-t))


def squares(target, factor=0.5):
    return (lambda t: factor * (t - target) ** 2, lambda t: 2 * factor * (t - target))


def separable(on_real, on_fake, generator):
    """`D: on_real(r) + on_fake(f)`, `G: generator(f)`."""

    def d(r, f):
        a, b = on_real[0](r), on_fake[0](f)
        return a + b, np.abs(a) + np.abs(b), (on_real[1](r), on_fake[1](f))

    return d, lambda r, f: (generator[0](f), np.abs(generator[0](f)), (generator[1](f),))


def paired(cost):
    def d(r, f):
        return cost[0](r - f), np.abs(cost[0](r - f)), (cost[1](r - f), -cost[1](r - f))

    return exchangeable(d)


def averaged(cost):
    """Its slopes go through the means: `test_relativistic.py` takes differences of the values."""

    def d(r, f):
        one, other = cost[0](r - f.mean()), cost[0](r.mean() - f)
        # A mean in float32 is as exact as the largest logit, and the derivative of a cost grows with it at most.
        return (one + other) / 2, (np.abs(one) + np.abs(other) + 1) * (1 + np.abs([r, f]).max()), (None, None)

    return exchangeable(d)


def exchangeable(d):
    """The generator plays the discriminator's loss with reals and fakes exchanged."""

    def g(r, f):
        values, scale, (on_fake, _) = d(f, r)
        return values, scale, (on_fake,)

    return d, g


# ---------------------------------------------------------------------------------------- f-GAN: activation, f*(activation)

UP = (  # log E(v): v as far as C, then C + log(1 + v - C)
    lambda v: np.where(v <= C, v, C + np.log1p(np.maximum(v - C, 0))),
    lambda v: 1 / (1 + np.maximum(v - C, 0)),
)
DOWN = (lambda v: -UP[0](-v), lambda v: UP[1](-v))
BOTH = tuple((lambda v, up=up, down=down: np.where(v > 0, up(v), down(v))) for up, down in zip(UP, DOWN, strict=True))


def exponential(inner, sign=1.0, offset=0.0):
    """`exp(sign inner(v)) + offset` and its slope."""
    value = lambda v: np.exp(sign * inner[0](v))  # noqa: E731
    return (lambda v: value(v) + offset, lambda v: sign * inner[1](v) * value(v))


def plus(term, constant):
    return (lambda v: term[0](v) + constant, term[1])


TANH = (lambda v: np.tanh(v) / 2, lambda v: 2 * sigmoid(2 * v) * sigmoid(-2 * v))

F_GAN = {
    "kl": (UP, exponential(plus(UP, -1.0))),
    "reverse_kl": (minus(exponential(DOWN, -1.0)), plus(DOWN, -1.0)),
    "pearson": (LINEAR, (lambda v: v**2 / 4 + v, lambda v: v / 2 + 1)),
    "squared_hellinger": (minus(exponential(BOTH, -1.0, -1.0)), exponential(BOTH, 1.0, -1.0)),
    "jensen_shannon": (plus(minus(LOGISTIC), np.log(2)), plus(SOFTPLUS, -np.log(2))),
    "gan": (minus(LOGISTIC), SOFTPLUS),
    "total_variation": (TANH, TANH),
}

ORACLE = {
    "minimax": separable(LOGISTIC, SOFTPLUS, minus(SOFTPLUS)),
    "non_saturating": separable(LOGISTIC, SOFTPLUS, LOGISTIC),
    "logistic": separable(LOGISTIC, SOFTPLUS, LOGISTIC),
    "least_squares": separable(squares(1), squares(0), squares(1)),
    "wasserstein": separable(minus(LINEAR), LINEAR, minus(LINEAR)),
    "hinge": separable(HINGE, mirrored(HINGE), minus(LINEAR)),
    "relativistic": paired(LOGISTIC),
    "relativistic_average": averaged(LOGISTIC),
    "relativistic_average_detached": averaged(LOGISTIC),
    "relativistic_average_least_squares": averaged(squares(1, factor=1.0)),
    "relativistic_average_hinge": averaged(HINGE),
    **{f"f_gan_{name}": separable(minus(on_real), on_fake, minus(on_real)) for name, (on_real, on_fake) in F_GAN.items()},
}
