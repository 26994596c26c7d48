"""The stages of a solve, one a file: each narrows the problem, raises the bound or finds a better plan.

A stage is a function ``run(search, objective)``; ``solver.solve`` calls those of the objective in order until
it is proven. Every stage but ``exact`` may be left out: what it drops or finds is never more than ``exact``
would prove.
"""

__all__: list[str] = []
