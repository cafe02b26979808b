// SPDX-License-Identifier: MIT
// Dominators, liveness and loops. Must not know: Python.h, LLVM.
#include "lowering/hir/analysis.h"

#include <algorithm>

namespace martlet::hir {

// ---- Dominators -----------------------------------------------------------------------------------------------------

DominatorTree::DominatorTree(const Function& function) {
  number(function);
  solve(function);
  numberSubtrees();
}

// The function's own block order is not relied on: text and passes may have it in any order.
void DominatorTree::number(const Function& function) {
  nodeOfBlock_.assign(function.blockIds(), kNone);
  struct Visit {
    Block* block;
    size_t remaining;
  };
  std::vector<bool> seen(nodeOfBlock_.size(), false);
  std::vector<Visit> path;
  auto enter = [&](Block* block) {
    if (seen[block->id]) return;
    seen[block->id] = true;
    path.push_back({block, block->successors.size()});
  };
  for (auto root = function.entries.rbegin(); root != function.entries.rend(); ++root) {
    enter(root->block);
    while (!path.empty()) {
      Visit& top = path.back();
      if (top.remaining == 0) {
        order_.push_back(top.block);
        path.pop_back();
      } else {
        enter(top.block->successors[--top.remaining].target);
      }
    }
  }
  std::reverse(order_.begin(), order_.end());

  nodes_.resize(order_.size() + 1);
  for (size_t i = 0; i < order_.size(); ++i) {
    nodes_[i + 1].block = order_[i];
    nodeOfBlock_[order_[i]->id] = static_cast<uint32_t>(i + 1);
  }
}

uint32_t DominatorTree::intersect(uint32_t a, uint32_t b) const {
  while (a != b) {
    while (a > b) a = nodes_[a].idom;
    while (b > a) b = nodes_[b].idom;
  }
  return a;
}

void DominatorTree::solve(const Function& function) {
  std::vector<std::vector<uint32_t>> predecessors(nodes_.size());
  for (uint32_t node = 1; node < nodes_.size(); ++node) {
    for (const Edge& edge : nodes_[node].block->successors) predecessors[nodeOf(edge.target)].push_back(node);
  }
  for (const Entry& entry : function.entries) predecessors[nodeOf(entry.block)].push_back(kRoot);
  nodes_[kRoot].idom = kRoot;
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t node = 1; node < nodes_.size(); ++node) {
      uint32_t idom = kNone;
      for (uint32_t from : predecessors[node]) {
        if (nodes_[from].idom == kNone) continue;  // not reached in this sweep yet
        idom = idom == kNone ? from : intersect(idom, from);
      }
      if (idom == nodes_[node].idom) continue;
      nodes_[node].idom = idom;
      changed = true;
    }
  }
}

// In a reverse postorder a dominator comes before what it dominates: so sizes are summed from the back, and places are
// given out from the front.
void DominatorTree::numberSubtrees() {
  std::vector<uint32_t> size(nodes_.size(), 1);
  for (size_t node = nodes_.size(); node-- > 1;) size[nodes_[node].idom] += size[node];
  std::vector<uint32_t> next(nodes_.size(), 1);
  nodes_[kRoot].last = size[kRoot] - 1;
  for (uint32_t node = 1; node < nodes_.size(); ++node) {
    const uint32_t parent = nodes_[node].idom;
    nodes_[parent].children.push_back(nodes_[node].block);
    nodes_[node].first = next[parent];
    nodes_[node].last = nodes_[node].first + size[node] - 1;
    next[parent] += size[node];
    next[node] = nodes_[node].first + 1;
  }
}

Block* DominatorTree::idom(const Block* block) const {
  const uint32_t node = nodeOf(block);
  return node == kNone ? nullptr : nodes_[nodes_[node].idom].block;
}

bool DominatorTree::dominates(const Block* a, const Block* b) const {
  const uint32_t above = nodeOf(a);
  const uint32_t below = nodeOf(b);
  if (above == kNone || below == kNone) return a == b;
  return nodes_[above].first <= nodes_[below].first && nodes_[below].first <= nodes_[above].last;
}

bool DominatorTree::dominates(const Value* a, const Value* b) const {
  if (a == b || a->block == nullptr || b->block == nullptr) return false;
  if (a->block != b->block) return dominates(a->block, b->block);
  if (b->op == Op::Param) return a->op == Op::Param && a->imm < b->imm;
  if (a->op == Op::Param) return true;
  for (const Value* op : a->block->ops) {
    if (op == a) return true;
    if (op == b) return false;
  }
  return false;
}

const std::vector<Block*>& DominatorTree::children(const Block* block) const {
  static const std::vector<Block*> kEmpty;
  const uint32_t node = nodeOf(block);
  return node == kNone ? kEmpty : nodes_[node].children;
}

// ---- Loops ----------------------------------------------------------------------------------------------------------

bool Loop::contains(const Block* block) const {
  return std::find(blocks.begin(), blocks.end(), block) != blocks.end();
}

LoopInfo::LoopInfo(const Function& function, const DominatorTree& dominators) {
  innermost_.resize(function.blockIds());
  std::vector<std::vector<Block*>> predecessors(innermost_.size());
  for (Block* block : dominators.order()) {
    for (const Edge& edge : block->successors) predecessors[edge.target->id].push_back(block);
  }
  // Headers in reverse postorder: an outer header dominates an inner one, so an outer loop is made first, and inner
  // loops then overwrite `innermost_`.
  for (Block* header : dominators.order()) {
    std::vector<bool> inside(innermost_.size(), false);
    std::vector<Block*> pending;
    Loop loop;
    inside[header->id] = true;
    for (Block* from : predecessors[header->id]) {
      if (!dominators.dominates(header, from)) continue;
      if (std::find(loop.latches.begin(), loop.latches.end(), from) != loop.latches.end()) continue;
      loop.latches.push_back(from);
      pending.push_back(from);
    }
    if (loop.latches.empty()) continue;
    while (!pending.empty()) {
      Block* block = pending.back();
      pending.pop_back();
      if (inside[block->id]) continue;
      inside[block->id] = true;
      for (Block* from : predecessors[block->id]) pending.push_back(from);
    }
    loop.header = header;
    loop.parent = innermost_[header->id];
    loop.depth = loop.parent == nullptr ? 1 : loop.parent->depth + 1;
    loops_.push_back(std::move(loop));
    for (Block* block : dominators.order()) {
      if (!inside[block->id]) continue;
      loops_.back().blocks.push_back(block);
      innermost_[block->id] = &loops_.back();
    }
  }
}

// ---- Ways -----------------------------------------------------------------------------------------------------------

bool reaches(const Block* from, const Block* to, const Block* around) {
  if (from == around) return false;
  std::vector<bool> seen(from->function->blockIds(), false);
  std::vector<const Block*> pending{from};
  while (!pending.empty()) {
    const Block* block = pending.back();
    pending.pop_back();
    for (const Edge& edge : block->successors) {
      if (edge.target == around || seen[edge.target->id]) continue;
      if (edge.target == to) return true;
      seen[edge.target->id] = true;
      pending.push_back(edge.target);
    }
  }
  return false;
}

}  // namespace martlet::hir
