// SPDX-License-Identifier: MIT
// The translator's state and the emitter that the lower_*.cpp files share; private to this folder. Owns: the symbolic
// operand stack, the slot map, blocks. Must not know: Python.h, LLVM.
//
// Lowering an instruction means: pop its inputs, emit, push its outputs. Every op that can leave native code gets a
// frame state with the stack as it was before the instruction; what is on the symbolic stack at that moment is
// `stackAfterPop`.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lowering/frontend/control_flow.h"
#include "lowering/frontend/frontend.h"
#include "lowering/hir/hir.h"
#include "lowering/native_abi.h"

namespace martlet::frontend {

using hir::Block;
using hir::Edge;
using hir::Effects;
using hir::Helper;
using hir::Op;
using hir::Value;
namespace types = hir::types;

/// What the translation of a function shares with those of the bodies that it takes in.
struct TranslationUnit {
  hir::Function function;
  std::map<int64_t, KnownCallable> known;  ///< by object table index
  struct Body {
    std::optional<ControlFlow> flow;     ///< none: it cannot be inlined
    std::optional<int64_t> firstObject;  ///< in the function's table, once they are there
  };
  std::map<const Snapshot*, Body> bodies;
  size_t inlinedInstructions = 0;
};

class Translator {
 public:
  Translator(const Snapshot& snapshot, const ControlFlow& flow, TranslationUnit& unit);
  /// False if `failure()` says why it cannot be translated.
  bool run();
  const std::optional<Bailout>& failure() const { return failure_; }

 private:
  using Values = std::vector<Value*>;

  // ---- inlining (inlining.cpp)
  /// What inlined code knows and owes at a place in it.
  struct Region {
    struct Store {
      Value* owner;
      Value* value;
      int64_t place;  ///< as Field
    };
    std::map<const Value*, uint32_t> versions;  ///< of the classes of objects
    /// The attributes of objects that were made here, and that nobody else knows.
    std::map<const Value*, std::map<int64_t, Value*>> made;
    std::vector<Store> stores;  ///< put off until nothing can fail any more
    bool hasWritten = false;    ///< something that cannot be taken back has happened
  };
  struct InlinedReturn {
    Block* block;
    Value* value;
    Region region;
  };
  enum class Number : uint8_t { Unknown, Int, Float };
  /// What takes in the items of a generator expression (generator_expressions.cpp).
  struct Consumer {
    KnownCallable known;
    Value* callable;
    Number number = Number::Unknown;  ///< what the items are
    bool takesCall = false;           ///< else the call finds a list of the items
    bool isMade = false;              ///< the items are numbers without an object
    Value* iterator = nullptr;        ///< the loop's own
    Value* container = nullptr;
    Block* slow = nullptr;  ///< makes the generator after all
    size_t state = 0;       ///< where what goes round the loop is among the locals
  };
  /// A body in the place of a call. All that can fail in it goes back to before the call.
  struct InlinedCall {
    const hir::FrameState& state;  ///< of the outermost call
    size_t depth;
    std::vector<InlinedReturn> returns;
    Consumer* consumer = nullptr;  ///< of a generator expression
  };
  /// A method and its self.
  struct MethodLoad {
    Value *method, *self;
  };
  /// Where a translation was before it tried something.
  struct Attempt {
    Block* block;
    size_t opCount, blockCount, inlinedInstructions;
    uint32_t inlinedCalls;
    Values locals, stack;
    Region region;
  };
  Translator(const Snapshot& body, const ControlFlow& flow, const Translator& caller, InlinedCall& call);
  Attempt beginAttempt() const;
  bool finishAttempt(const Attempt& attempt, bool isGood);
  const Callee* calleeHere() const;
  const Callee* learnedCallee(Special form, const Values& operands) const;
  bool isPolymorphic(const Value* method) const;
  bool inlineCall(const Values& operands);
  bool inlineClassMethod(const Values& operands);
  bool inlineProperty(const Values& operands);
  void learnProperty();
  bool inlineInitializer(const Callee& callee, const Values& operands);
  bool inlineFunction(const Callee& callee, Value* function, Values args, const Values& held);
  const ControlFlow* flowOf(const Snapshot& body);
  const ControlFlow* beginBody(const Callee& callee, size_t depth);
  void requireScope(const Callee& callee, Value* function);
  static bool mayTake(const Callee& callee, size_t count);
  void addDefaults(Value* function, size_t parameters, Values& args);
  bool translateInlined(const Values& args);
  void noteMethodLoad(const Values& operands);
  void guardMethodLoads();
  void takeReturns(InlinedCall& call, const Values& held);
  void commitStores();
  void checkInlined(Value& value);
  void require(Value* condition);
  void requireVersion(Value* object, uint32_t version);
  bool lowerInlined();
  bool loadAttrInlined();
  void storeAttrInlined();
  bool toBoolInlined();
  /// The attribute's place, as in Field.
  int64_t placeOf(bool isSlot) const { return FieldPlace{ins_->index, isSlot}.pack(); }
  void loadFieldInlined(Value* owner, int64_t place);
  Value* cachedObject();
  Value* cachedMethod();
  bool endsQuietly(const Value* value) const;
  void storeLocalInlined(size_t slot, Value* value);
  Edge inlinedEdgeTo(uint32_t index);
  void giveUp();

  // ---- generator expressions (generator_expressions.cpp)
  struct LoopRange {
    uint32_t head = 0, end = 0;  ///< instruction indices, of FOR_ITER and of what is behind the loop
    bool isOther = false;        ///< the variable is used in other ways
    bool isEmpty() const { return end == 0; }
    bool contains(uint32_t index) const { return head < index && index < end; }
  };
  void noteClosure(Value* function, Value* attribute, int64_t which);
  std::optional<Values> cellsOf(const Callee& callee, const Value* function) const;
  std::optional<Consumer> consumerBehind() const;
  void learnResult(const Values& operands);
  void emitLearned();
  bool consumeGenerator(const Values& operands);
  Value* joinSlowWay(Block* slow, Value* result, const Values& operands);
  void requireHere(Value* condition);
  bool inlineGenerator(const Callee& callee, Consumer& consumer, const Values& operands, const Values& cells);
  Value* ownIterator(Value* iterable);
  bool translateConsumed(const Values& cells);
  void findLoopVariables();
  bool varies(uint32_t index, size_t slot) const;
  bool isDeadAt(uint32_t index, size_t slot) const;
  void dropLoopVariables(uint32_t index);
  bool changesOwn(const Value& value) const;
  bool lowerConsumed();
  void beginConsuming();
  void consume(Value* item);
  void test(Value* item);
  Value* consumedNumber(Value* item);
  void addUp(Value* item);
  void takeBest(Value* item);
  void finishWith(Value* result);
  void finishConsuming();
  void finishSum();

  // ---- driver (translator.cpp)
  bool isFilledByPrologue(int64_t slot) const;
  void makeEntry(const ResolvedEntry& entry);
  void translatePending();
  void translateBlock(uint32_t leader);
  void translateFrom(uint32_t index);
  void beginInstruction(uint32_t index);
  void lowerInstruction();
  void narrowParams();
  void fail(BailoutReason reason, std::string detail);

  // ---- emitter (emitter.cpp)
  Value* emit(Op op, hir::Type type, Values operands = {}, int64_t imm = 0);
  /// Calls a helper; an `outputs` count is for those with an X parameter.
  Value* call(Helper helper, Values operands, std::vector<int64_t> imms = {}, uint16_t outputs = 0);
  /// The same where the result is known to be of a narrower type.
  Value* callTyped(hir::Type type, Helper helper, Values operands, std::vector<int64_t> imms = {});
  Value* output(Value* call, int64_t index, hir::Type type) { return emit(Op::Output, type, {call}, index); }
  Value* constObject(int64_t index);
  /// A snapshot's object table index in the function's table.
  int64_t inTable(int64_t index) const { return firstObject_ + index; }
  Value* constFloat(double number);
  Value* constArgument() { return constObject(ins_->arg); }
  Value* nameObject(int64_t index) { return constObject(snapshot_.nameBase + index); }
  Value* none() { return constObject(snapshot_.noneObject); }
  Value* isNotNull(Value* value) { return emit(Op::BoolNot, types::I1, {emit(Op::IsNull, types::I1, {value})}); }
  Value* null() { return emit(Op::ConstNull, types::Null); }
  /// True where the number is not zero.
  Value* isNonZero(Value* number);
  Value* boolObject(Value* flag) { return emit(Op::BoxBool, types::Bool, {flag}); }
  Value* is(Value* object, int32_t knownObject);
  Value* unboxInt(Value* v) { return emit(Op::UnboxInt, types::I64, {v}); }
  Value* unboxFloat(Value* v) { return emit(Op::UnboxFloat, types::F64, {v}); }
  Value* boxInt(Value* v) { return emit(Op::BoxInt, types::Long, {v}); }
  Value* boxFloat(Value* v) { return emit(Op::BoxFloat, types::Float, {v}); }
  void guardType(Value* object, hir::Type type);
  Value* local(int64_t slot);
  void storeLocal(int64_t slot, Value* value);
  /// Goes on only where the slot's value is bound; otherwise raises.
  void checkBound(Value* value, int64_t slot);

  void push(Value* value) { stack_.push_back(value); }
  Value* pop();
  /// The topmost `count` values, bottom first.
  Values popMany(int64_t count);
  /// peek(1) is the top.
  Value* peek(int64_t depth);
  /// Pops nothing, fails if the stack is not that deep.
  bool need(int64_t depth);

  // ---- blocks (emitter.cpp)
  std::unique_ptr<hir::FrameState> makeState() const;
  /// A block within the instruction, with the present locals and the stack before the instruction.
  Block* newInnerBlock();
  /// An edge to the block that begins at an instruction, with the present locals and stack.
  Edge edgeTo(uint32_t index);
  Edge edgeToOffset(uint32_t offset);
  void endWithJump(uint32_t index);
  void endWithBranch(Value* condition, Edge ifTrue, Edge ifFalse, int64_t seldom = 0);
  void endWithReturn(Value* value);
  void endWithExit(hir::ExitReason reason, int64_t imm = 0);
  void endUnreachable();
  bool isCaughtHere(const Value& call) const;
  void catchFailure(Value* call);
  /// Goes on with `quick` where `isGood` holds, and elsewhere with what `general` makes, out of the way: a wrong guess
  /// costs a call. Where it is certain to hold, but for a lack of memory, native code is left instead: the general call
  /// may run Python code, which the code behind would have to be ready for. `quick` may be NULL: there is no value.
  template <class General>
  Value* orElse(Value* isGood, Value* quick, bool isCertain, General&& general) {
    if (isCertain || inlined_ != nullptr) {
      emit(Op::GuardTrue, types::kNothing, {isGood});
      return quick;
    }
    Block* slow = newInnerBlock();
    Block* join = newInnerBlock();
    Value* result = quick != nullptr ? function_.newParam(join, quick->type) : nullptr;
    endWithBranch(isGood, {join, quick != nullptr ? Values{quick} : Values{}}, {slow, {}}, /*seldom=*/2);
    switchTo(slow);
    Value* other = general();
    emit(Op::Jump, types::kNothing);
    block_->successors.push_back({join, quick != nullptr ? Values{other} : Values{}});
    switchTo(join);
    return result;
  }
  void switchTo(Block* block) { block_ = block; }

  // ---- what speculation may know
  bool speculates() const { return !blocked_; }
  bool isKnownInt(const Value* value) const;
  /// Whether it may be an int of 64 bits.
  bool mayFit(const Value* value) const;
  bool isKnownFloat(const Value* value) const;

  // ---- by area: one case each of lowerInstruction()
  void lowerStack();       // lower_stack.cpp: stack, constants, locals, cells
  void lowerArithmetic();  // lower_arithmetic.cpp: operators, comparison, truth
  void lowerSubscript();   // lower_subscript.cpp
  void lowerAttribute();   // lower_names.cpp: attributes
  void lowerName();        // lower_names.cpp: globals, names, imports
  void lowerCall();        // lower_calls.cpp: calls, functions, intrinsics
  void lowerBuilding();    // lower_building.cpp: containers, formatting, unpacking
  void lowerControl();     // lower_control.cpp: jumps, iteration, return
  void lowerException();   // lower_exceptions.cpp: raise, except, with
  void lowerGenerator();   // lower_generators.cpp: generators, coroutines
  void lowerMatch();       // lower_matching.cpp

  // ---- calls of what is known (lower_known_calls.cpp)
  const KnownCallable* knownCallable(const Value* callable) const;
  bool callKnown(const Values& operands);
  bool callWithAnything(KnownCallable known, const Values& operands);
  Number numberOf(const Value* value) const;
  void learnArguments(Value* left, Value* right);
  Value* checkedOutput(Value* call, hir::Type type);
  bool callOnNumber(KnownCallable known, const Values& args);
  Value* floatFunction(KnownCallable known, Value* x);
  bool callOnNumbers(KnownCallable known, const Values& args);
  void pushPair(Value* first, Value* second);
  Value* choose(Value* takesSecond, Value* first, Value* second);
  bool smallestOrLargest(const Values& args, bool isMin);
  bool callOnObject(KnownCallable known, const Values& operands, const Values& args);
  Value* sizeOf(const Values& operands, Value* object);
  bool callOnContainer(KnownCallable known, const Values& args);
  bool isOrdinaryClass(const Value* value) const;
  bool areLikelyQuiet(KnownCallable known, const Values& args) const;
  bool iterateRange(KnownCallable known, const Values& args);
  bool callQuiet(KnownCallable known, Value* callable, const Values& args);

  void binaryOp();
  bool binaryOpOnNumbers(Value* left, Value* right);
  bool binaryOpOnKnownNumbers(Value* left, Value* right);
  bool isLikelyInt(const Value* value) const;
  Value* asFloat(Value* value, bool isInt);
  Value* toFloat(Value* value);
  bool containsQuietly(Value* item, Value* container);
  bool concatenate(Value* left, Value* right);
  bool concatenateInPlace(Value* left, Value* right);
  bool unpackItems(Value* sequence);
  bool loadItem(Value* container, Value* key);
  bool loadQuietly(Value* container, Value* key);
  bool storeQuietly(Value* container, Value* key, Value* value);
  bool getIterQuietly(Value* iterable);
  bool loadArrayItem(Value* container, Value* key);
  bool storeArrayItem(Value* container, Value* key, Value* value);
  std::optional<std::pair<Value*, Value*>> learnedMixedPair(Value* left, Value* right);
  std::optional<std::pair<Value*, Value*>> mixedPair(Value* left, Value* right);
  struct NumberPair {
    Value *left, *right;
    bool areFloats, areBools;
  };
  std::optional<uint32_t> classBesideBool(const Value* value, uint32_t learned) const;
  std::optional<NumberPair> pairWithBool(Value* left, Value* right);
  Value* unboxBool(Value* value);
  bool binaryOpOnBools(Value* left, Value* right);
  void learnNumbers(Value* left, Value* right);
  bool mayBeInt(const Value* value) const;
  bool mayBeFloat(const Value* value) const;
  void learnSubscript(Value* container, Value* key, hir::Type learnable);
  bool subscriptBySlice(Value* start, Value* stop, Value* step);
  void compareOp();
  void toBool();
  void loadAttr();
  void loadMethod(Value* owner, Value* name);
  bool loadKnownMethod(Value* owner);
  bool loadModuleConstant(Value* owner);
  void storeAttr();
  void loadSuperAttr();
  void forIter();
  bool forSequence();
  bool forQuietly();
  void send();
  void popJump(Value* condition, bool jumpIfTrue);
  void yieldValue();
  void enterBehind(uint32_t index, uint16_t depth);
  void pushOutputs(Value* call, uint16_t count);

  struct BlockPlan {
    Block* block = nullptr;
    bool queued = false;
    // Of inlined code, whose locals and operands are in no frame.
    Values locals, stack;
    Region region;
  };

  const Snapshot& snapshot_;
  const ControlFlow& flow_;
  TranslationUnit& unit_;
  hir::Function& function_;
  int64_t firstObject_ = 0;         ///< of the snapshot's objects in the function's table
  InlinedCall* inlined_ = nullptr;  ///< NULL in the function itself
  Region region_;
  std::vector<MethodLoad> methodLoads_;  ///< of methods that have been inlined
  std::vector<LoopRange> loops_;         ///< of a generator expression: by slot, whose variable it is
  struct {
    Value *function = nullptr, *closure = nullptr;
  } made_;  ///< the last function with a closure
  struct {
    Value *iterator = nullptr, *iterable = nullptr;
  } iterated_;  ///< the last operand of GET_ITER
  struct {
    Value* result = nullptr;
    uint32_t site = 0;
  } learned_;                     ///< see learnResult()
  std::vector<BlockPlan> plans_;  ///< by leader's instruction index
  std::set<uint32_t> pending_;    ///< leaders whose block exists and is not translated yet
  std::optional<Bailout> failure_;

  Block* block_ = nullptr;  ///< NULL behind a terminator
  Values locals_;
  Values stack_;
  Values before_;  ///< the stack before the present instruction
  const Instruction* ins_ = nullptr;
  uint32_t index_ = 0;
  uint32_t next_ = 0;     ///< instruction that follows; InplaceAddUnicode skips one
  bool blocked_ = false;  ///< speculation failed at this instruction before
};

}  // namespace martlet::frontend
