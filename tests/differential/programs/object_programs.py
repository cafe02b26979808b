# SPDX-License-Identifier: MIT
"""Small object programs in the manner of richards, deltablue and raytrace."""

from support import refcheck, table


class Vector:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, o):
        return Vector(self.x + o.x, self.y + o.y, self.z + o.z)

    def __sub__(self, o):
        return Vector(self.x - o.x, self.y - o.y, self.z - o.z)

    def __mul__(self, k):
        return Vector(self.x * k, self.y * k, self.z * k)

    __rmul__ = __mul__

    def __matmul__(self, o):
        return self.x * o.x + self.y * o.y + self.z * o.z

    def __neg__(self):
        return self * -1

    def __iter__(self):
        yield self.x
        yield self.y
        yield self.z

    def normalized(self):
        return self * (1 / (self @ self) ** 0.5)


class Sphere:
    def __init__(self, center, radius):
        self.center, self.radius = center, radius

    def hit(self, origin, direction):
        to_center = self.center - origin
        along = to_center @ direction
        d2 = to_center @ to_center - along * along
        r2 = self.radius * self.radius
        if d2 > r2:
            return None
        t = along - (r2 - d2) ** 0.5
        return t if t > 0 else None

    def normal(self, point):
        return (point - self.center).normalized()


class Plane:
    def __init__(self, height):
        self.height = height

    def hit(self, origin, direction):
        if direction.y >= 0:
            return None
        return (self.height - origin.y) / direction.y

    def normal(self, point):
        return Vector(0, 1, 0)


def render(size):
    scene = [Sphere(Vector(0.0, 0.0, 5.0), 1.0), Sphere(Vector(1.5, 0.5, 6), 1), Plane(-1)]
    light = Vector(-1, 2, -1).normalized()
    rows = []
    for y in range(size):
        row = ""
        for x in range(size * 2):
            direction = Vector((x - size) / size, (size / 2 - y) / size, 1.0).normalized()
            nearest = best = None
            for thing in scene:
                t = thing.hit(Vector(0, 0, 0), direction)
                if t is not None and (best is None or t < best):
                    nearest, best = thing, t
            if nearest is None:
                row += " "
            else:
                point = direction * best
                shade = max(0, nearest.normal(point) @ light)
                row += ".:-=+*#%@"[min(8, int(shade * 9))]
        rows.append(row)
    return rows


class Task:
    def __init__(self, name, priority, work):
        self.name, self.priority, self.work, self.next, self.state = name, priority, work, None, "ready"

    def run(self, scheduler):
        raise NotImplementedError

    def __lt__(self, other):
        return self.priority < other.priority


class Worker(Task):
    def run(self, scheduler):
        self.work -= 1
        scheduler.trace.append(self.name)
        if self.work <= 0:
            self.state = "done"
        elif self.work % 3 == 0:
            self.state = "waiting"
            scheduler.wake.append(self)


class Idle(Task):
    def run(self, scheduler):
        scheduler.idle += 1
        if scheduler.wake:
            scheduler.wake.pop(0).state = "ready"
        else:
            self.state = "done"


class Scheduler:
    def __init__(self):
        self.tasks, self.trace, self.wake, self.idle, self.steps = [], [], [], 0, 0

    def add(self, task):
        self.tasks.append(task)
        self.tasks.sort()
        return self

    def loop(self):
        while any(t.state != "done" for t in self.tasks):
            self.steps += 1
            for t in self.tasks:
                if t.state == "ready":
                    t.run(self)
                    break
            else:
                raise RuntimeError("deadlock")
        return "".join(self.trace), self.idle, self.steps


def schedule(works):
    s = Scheduler().add(Idle("i", 99, 0))
    for n, w in enumerate(works):
        s.add(Worker("abc"[n], n, w))
    return s.loop()


class Node:
    def __init__(self, key):
        self.key, self.left, self.right = key, None, None


class Tree:
    def __init__(self, keys=()):
        self.root, self.size = None, 0
        for k in keys:
            self.insert(k)

    def insert(self, key):
        if self.root is None:
            self.root = Node(key)
            self.size = 1
            return True
        node = self.root
        while True:
            if key == node.key:
                return False
            side = "left" if key < node.key else "right"
            child = getattr(node, side)
            if child is None:
                setattr(node, side, Node(key))
                self.size += 1
                return True
            node = child

    def __iter__(self):
        stack, node = [], self.root
        while stack or node:
            while node:
                stack.append(node)
                node = node.left
            node = stack.pop()
            yield node.key
            node = node.right

    def __contains__(self, key):
        node = self.root
        while node is not None and node.key != key:
            node = node.left if key < node.key else node.right
        return node is not None

    def __len__(self):
        return self.size


def trees(keys):
    t = Tree(keys)
    return list(t), len(t), [k in t for k in keys[:2]], 10**6 in t, bool(t)


class Life:
    def __init__(self, cells):
        self.cells = set(cells)

    def step(self):
        counts = {}
        for x, y in self.cells:
            for dx in (-1, 0, 1):
                for dy in (-1, 0, 1):
                    if dx or dy:
                        key = x + dx, y + dy
                        counts[key] = counts.get(key, 0) + 1
        self.cells = {c for c, n in counts.items() if n == 3 or n == 2 and c in self.cells}


def life(n):
    game = Life([(1, 0), (2, 1), (0, 2), (1, 2), (2, 2)])
    for _ in range(n):
        game.step()
    return sorted(game.cells)


table(render, (2,), (8,))
table(schedule, ([1],), ([4, 7, 2],), ([],), ([10, 10],))
table(trees, ([5, 2, 8, 1, 9, 3, 5],), ([],), (["b", "a", "c"],), ([1, "a"],), ([1.5, 1, 2],))
table(life, (0,), (4,), (20,))
OBJ = object()


def leak():
    t = Tree([3, 1, 2])
    v = Vector(OBJ, OBJ, OBJ)
    x, y, z = v
    s = Scheduler().add(Worker("a", 1, OBJ))
    return list(t), x, y, z, s.tasks[0].work


refcheck(leak, OBJ, Vector, Node)
