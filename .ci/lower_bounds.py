"""Print setup.py's lower bounds as pip constraints: "jax>=0.10.0" becomes "jax==0.10.0"."""

import ast
import re
from pathlib import Path

SETUP = Path(__file__).parents[1] / "setup.py"
BOUND = re.compile(r"([A-Za-z0-9_-]+)>=([0-9.]+)")

for node in ast.walk(ast.parse(SETUP.read_text())):
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and (bound := BOUND.match(node.value)):
        print("==".join(bound.groups()))
