// SPDX-License-Identifier: MIT
// What native code calls. Owns: the C prototypes of helpers.def's rows (prototype_check.cpp holds them to the table)
// and of the out-of-line halves of the inline ones. Must not know: HIR, LLVM.
//
// Objects are borrowed unless helpers.def says otherwise; results and outputs are new references.
#pragma once
#include <cstdint>

#include "vm/runtime/cpython.h"

namespace martlet::vm {
struct SiteCache;
}
using martlet::vm::SiteCache;

extern "C" {
// What ops of the op table are lowered to.
void rt_incref(PyObject* object);
void rt_xincref(PyObject* object);
void rt_decref(PyObject* object);
void rt_xdecref(PyObject* object);
bool rt_drop(PyObject* object);
bool rt_xdrop(PyObject* object);
bool rt_end_quietly(PyObject* object);
void rt_end_shown(Frame* frame, PyObject* object, int64_t offset);
void rt_release_last(Frame* frame, PyObject* object, int64_t offset, PyObject* const* words, int64_t count);
PyObject* rt_load_local(Frame* frame, int64_t slot);
void rt_store_local(Frame* frame, int64_t slot, PyObject* value);
void rt_sync_local(Frame* frame, int64_t slot, PyObject* value);
void rt_sync_int_if(Frame* frame, int64_t slot, bool isDirty, int64_t value);
void rt_sync_float_if(Frame* frame, int64_t slot, bool isDirty, double value);
void rt_copy_local(Frame* frame, int64_t slot, int64_t source, bool isDirty);
PyObject* rt_take_local(Frame* frame, int64_t slot, bool isDirty);
PyObject* rt_concat_local(PyThreadState* tstate, Frame* frame, int64_t slot, PyObject* right);
void rt_set_instruction(Frame* frame, int64_t offset);
void rt_suspend_frame(Frame* frame, int64_t offset, int64_t stackTop);
bool rt_safepoint_pending(PyThreadState* tstate);
bool rt_frame_has_globals(Frame* frame, PyObject* globals, PyObject* builtins);
bool rt_frame_is_seen(Frame* frame);
int64_t rt_int_value(PyObject* object);
bool rt_unbox_int(PyObject* object, int64_t* result);
bool rt_list_item(PyObject* list, int64_t index, PyObject** result);
bool rt_tuple_item(PyObject* tuple, int64_t index, PyObject** result);
bool rt_array_float(PyObject* array, int64_t index, double* result);
bool rt_array_int(PyObject* array, int64_t index, int64_t typeCode, int64_t* result);
bool rt_array_store_float(PyObject* array, int64_t index, double value);
bool rt_array_store_int(PyObject* array, int64_t index, int64_t typeCode, int64_t value);
bool rt_operands_unlearned(SiteCache* cache, PyObject* left, PyObject* right, int64_t use);
bool rt_list_store(PyObject* list, int64_t index, PyObject* value);
bool rt_list_store_float(PyObject* list, int64_t index, double value);
bool rt_range_length(int64_t start, int64_t stop, int64_t step, int64_t* length);
PyObject* rt_new_range_iter(int64_t next, int64_t left, int64_t step);
bool rt_is_own_range(PyObject* iterator);
int64_t rt_range_field(PyObject* iterator, int64_t field);
void rt_sync_range(PyObject* iterator, int64_t next, int64_t left);
PyObject* rt_list_item_in_range(PyObject* list, int64_t index);
PyObject* rt_tuple_item_in_range(PyObject* tuple, int64_t index);
bool rt_list_has_next(PyObject* iterator);
bool rt_tuple_has_next(PyObject* iterator);
PyObject* rt_list_peek(PyObject* iterator);
PyObject* rt_tuple_peek(PyObject* iterator);
void rt_skip_item(PyObject* iterator);
PyObject* rt_binary_op_quiet(PyObject* a, PyObject* b, int64_t oparg);
bool rt_compare_quiet(PyObject* a, PyObject* b, int64_t comparison, int64_t* result);
PyObject* rt_new_instance(PyObject* type);
bool rt_field(PyObject* owner, int64_t place, PyObject** output);
bool rt_may_store_field(PyObject* owner, int64_t place);
void rt_store_field(PyObject* owner, int64_t place, PyObject* value);
bool rt_has_type_version(PyObject* object, int64_t version);
bool rt_is_class_of_version(PyObject* object, int64_t version);
bool rt_hides_nothing(PyObject* owner, int64_t keysVersion);
PyObject* rt_property_function(PyObject* property, int64_t isStore);
bool rt_property_unlearned(SiteCache* cache);
bool rt_runs_code(PyObject* callable, PyObject* code);
bool rt_has_scope(PyObject* function, PyObject* globals, PyObject* builtins);
PyObject* rt_default_argument(PyObject* function, int64_t fromEnd);
bool rt_has_recursion_room(PyThreadState* tstate, int64_t calls);
double rt_float_floor_div(double a, double b);
double rt_float_mod(double a, double b);
bool rt_float_pow(double base, double exponent, double* result);
int64_t rt_size_of(PyObject* sequence);
bool rt_unbox_float(PyObject* object, double* result);
PyObject* rt_box_int(int64_t value);
PyObject* rt_box_float(double value);
PyObject* rt_box_bool(bool value);
bool rt_int_floor_div(int64_t a, int64_t b, int64_t* result);
bool rt_int_mod(int64_t a, int64_t b, int64_t* result);
bool rt_int_lshift(int64_t a, int64_t b, int64_t* result);
bool rt_int_rshift(int64_t a, int64_t b, int64_t* result);
bool rt_has_class(PyObject* object, int64_t bit);
bool rt_is_quiet(PyObject* object);
bool rt_has_type(PyObject* object, int64_t typeBits);
// Truth, arithmetic, comparison.
int rt_to_bool(PyThreadState* tstate, int64_t borrowed, PyObject* object);
int rt_to_bool_of_class(PyThreadState* tstate, int64_t borrowed, PyObject* object, int64_t version);
PyObject* rt_unary_negative(PyThreadState* tstate, int64_t borrowed, PyObject* object);
PyObject* rt_unary_invert(PyThreadState* tstate, int64_t borrowed, PyObject* object);
PyObject* rt_binary_op(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg);
PyObject* rt_binary_op_int(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg);
PyObject* rt_binary_op_float(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg);
PyObject* rt_concat_str(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b);
PyObject* rt_compare_op(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg);
PyObject* rt_compare_int(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg);
PyObject* rt_compare_str(PyThreadState* tstate, int64_t borrowed, PyObject* a, PyObject* b, int64_t oparg);
int rt_contains(PyThreadState* tstate, int64_t borrowed, PyObject* item, PyObject* container);
int rt_contains_dict(PyThreadState* tstate, int64_t borrowed, PyObject* item, PyObject* container);
int rt_contains_set(PyThreadState* tstate, int64_t borrowed, PyObject* item, PyObject* container);
// Subscripts. STORE_SUBSCR's order: (container, key, value).
PyObject* rt_subscr(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key);
PyObject* rt_subscr_list_int(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key);
PyObject* rt_subscr_tuple_int(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key);
PyObject* rt_subscr_str_int(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key);
PyObject* rt_subscr_getitem(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key);
PyObject* rt_subscr_dict(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key);
PyObject* rt_subscr_list_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index);
PyObject* rt_subscr_tuple_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index);
int rt_store_subscr(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key, PyObject* value);
int rt_store_subscr_list_int(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key,
                             PyObject* value);
int rt_store_subscr_list_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index,
                             PyObject* value);
int rt_store_subscr_dict(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key, PyObject* value);
int rt_delete_subscr(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* key);
PyObject* rt_binary_slice(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* start,
                          PyObject* stop);
PyObject* rt_subscr_slice(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* start, PyObject* stop,
                          PyObject* step);
bool rt_copy_slice(PyObject* list, PyObject* start, PyObject* stop, PyObject* from, PyObject* fromStart,
                   PyObject* fromStop, PyObject* fromStep);
int rt_store_slice(PyThreadState* tstate, int64_t borrowed, PyObject* container, PyObject* start, PyObject* stop,
                   PyObject* value);
// Attributes. (owner, name, …); V = type version, K = keys version, offsets in bytes, indices in entries.
PyObject* rt_load_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, SiteCache* cache);
PyObject* rt_load_attr_instance_value(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                      int64_t version, int64_t index, SiteCache* cache);
PyObject* rt_load_attr_slot(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, int64_t version,
                            int64_t offset, SiteCache* cache);
PyObject* rt_load_attr_with_hint(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                 int64_t version, int64_t hint, SiteCache* cache);
PyObject* rt_load_attr_module(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                              int64_t keysVersion, int64_t index, SiteCache* cache);
PyObject* rt_load_attr_class(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* descr,
                             int64_t version, SiteCache* cache);
PyObject* rt_load_attr_constant(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                PyObject* descr, int64_t version, int64_t keysVersion, SiteCache* cache);
PyObject* rt_load_method(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, SiteCache* cache,
                         PyObject** outputs);
PyObject* rt_load_method_with_values(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                     PyObject* descr, int64_t version, int64_t keysVersion, SiteCache* cache,
                                     PyObject** outputs);
PyObject* rt_load_method_no_dict(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                 PyObject* descr, int64_t version, SiteCache* cache, PyObject** outputs);
PyObject* rt_load_method_lazy_dict(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                   PyObject* descr, int64_t version, SiteCache* cache, PyObject** outputs);
int rt_store_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value,
                  SiteCache* cache);
int rt_store_attr_instance_value(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                                 PyObject* value, int64_t version, int64_t index, SiteCache* cache);
int rt_store_attr_slot(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value,
                       int64_t version, int64_t offset, SiteCache* cache);
int rt_store_attr_with_hint(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name, PyObject* value,
                            int64_t version, int64_t hint, SiteCache* cache);
int rt_delete_attr(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name);
PyObject* rt_load_super_attr(PyThreadState* tstate, int64_t borrowed, PyObject* globalSuper, PyObject* type,
                             PyObject* self, PyObject* name, int64_t oparg, SiteCache* cache);
PyObject* rt_load_super_method(PyThreadState* tstate, int64_t borrowed, PyObject* globalSuper, PyObject* type,
                               PyObject* self, PyObject* name, int64_t oparg, SiteCache* cache, PyObject** outputs);
// Names.
PyObject* rt_load_global(PyThreadState* tstate, Frame* frame, PyObject* name, SiteCache* cache);
PyObject* rt_load_global_module(PyThreadState* tstate, Frame* frame, PyObject* name, int64_t keysVersion, int64_t index,
                                SiteCache* cache);
PyObject* rt_load_global_builtin(PyThreadState* tstate, Frame* frame, PyObject* name, int64_t moduleKeys,
                                 int64_t builtinsKeys, int64_t index, SiteCache* cache);
int rt_store_global(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* name, PyObject* value);
int rt_delete_global(PyThreadState* tstate, Frame* frame, PyObject* name);
PyObject* rt_load_name(PyThreadState* tstate, Frame* frame, PyObject* name);
int rt_store_name(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* name, PyObject* value);
int rt_delete_name(PyThreadState* tstate, Frame* frame, PyObject* name);
PyObject* rt_load_locals(PyThreadState* tstate, Frame* frame);
PyObject* rt_load_from_dict_or_globals(PyThreadState* tstate, Frame* frame, PyObject* dict, PyObject* name);
PyObject* rt_load_from_dict_or_deref(PyThreadState* tstate, Frame* frame, PyObject* dict, PyObject* cell, int64_t slot);
PyObject* rt_load_build_class(PyThreadState* tstate, Frame* frame);
int rt_setup_annotations(PyThreadState* tstate, Frame* frame);
PyObject* rt_make_cell(PyObject* value);
PyObject* rt_load_closure(Frame* frame, int64_t index);
PyObject* rt_load_deref(PyThreadState* tstate, Frame* frame, PyObject* cell, int64_t slot);
PyObject* rt_cell_content(PyObject* cell);
void rt_store_deref(PyObject* cell, PyObject* value);
int rt_delete_deref(PyThreadState* tstate, Frame* frame, PyObject* cell, int64_t slot);
int rt_raise_unbound_local(PyThreadState* tstate, Frame* frame, int64_t slot);
// Calls. callable, self or NULL, arguments.
PyObject* rt_call(PyThreadState* tstate, Frame* frame, PyObject* callable, PyObject* self, PyObject** args,
                  int64_t count, SiteCache* cache);
PyObject* rt_id_of(PyThreadState* tstate, int64_t borrowed, PyObject* object);
PyObject* rt_call_kw(PyThreadState* tstate, Frame* frame, PyObject* callable, PyObject* self, PyObject* names,
                     PyObject** args, int64_t count);
PyObject* rt_call_ex(PyThreadState* tstate, Frame* frame, PyObject* callable, PyObject* positional, PyObject* keywords);
PyObject* rt_call_len(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* self,
                      PyObject* const* args, int64_t count);
PyObject* rt_call_isinstance(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* self,
                             PyObject* const* args, int64_t count);
PyObject* rt_call_list_append(PyObject* callable, PyObject* self, PyObject* const* args, int64_t count);
PyObject* rt_call_type_1(PyObject* callable, PyObject* self, PyObject* const* args, int64_t count);
PyObject* rt_call_str_1(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* self,
                        PyObject* const* args, int64_t count);
PyObject* rt_call_tuple_1(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* self,
                          PyObject* const* args, int64_t count);
PyObject* rt_call_builtin(PyThreadState* tstate, Frame* frame, PyObject* callable, PyObject* self, PyObject** args,
                          int64_t count);
PyObject* rt_call_method_descriptor(PyThreadState* tstate, Frame* frame, PyObject* callable, PyObject* self,
                                    PyObject** args, int64_t count);
// Known callables and containers whose keys run no code.
PyObject* rt_call_quiet(PyThreadState* tstate, PyObject* callable, int64_t arguments, PyObject* const* args,
                        int64_t count);
bool rt_int_abs(int64_t value, int64_t* result);
double rt_float_abs(double value);
bool rt_float_sqrt(double value, double* result);
bool rt_float_to_int(double value, int64_t direction, int64_t* result);
bool rt_math_function(double x, int64_t function, double* result);
bool rt_math_function_2(double x, double y, int64_t function, double* result);
bool rt_len(PyObject* object, int64_t* result);
bool rt_ord(PyObject* object, int64_t* result);
PyObject* rt_chr(int64_t value);
bool rt_is_instance(PyObject* object, PyObject* type, int64_t* result);
bool rt_is_module(PyObject* object);
bool rt_contains_quiet(PyObject* item, PyObject* container, int64_t* result);
PyObject* rt_present_item(PyObject* container, PyObject* key);
PyObject* rt_dict_item(PyObject* dict, PyObject* key);
bool rt_dict_store(PyObject* dict, PyObject* key, PyObject* value, PyObject** outputs);
PyObject* rt_dict_get(PyObject* dict, PyObject* key, PyObject* otherwise);
PyObject* rt_dict_setdefault(PyObject* dict, PyObject* key, PyObject* otherwise);
PyObject* rt_dict_pop(PyObject* dict, PyObject* key, PyObject* otherwise);
int rt_set_add_quiet(PyObject* set, PyObject* key);
int rt_set_discard_quiet(PyObject* set, PyObject* key, int64_t isExpected);
PyObject* rt_list_pop(PyObject* list, int64_t index);
bool rt_byte_item(PyObject* bytes, int64_t index, int64_t* result);
bool rt_store_byte(PyObject* array, int64_t index, int64_t value);
PyObject* rt_str_item(PyObject* text, int64_t index);
bool rt_str_compare(PyObject* a, PyObject* b, int64_t comparison);
PyObject* rt_str_concat(PyObject* a, PyObject* b);
PyObject* rt_format_quiet(PyObject* object);
PyObject* rt_get_iter_quiet(PyObject* iterable);
int rt_for_iter_quiet(PyObject* iterator, PyObject** outputs);
bool rt_iterator_unlearned(PyObject* iterator, SiteCache* cache);
PyObject* rt_intrinsic_1(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* value, int64_t oparg);
PyObject* rt_intrinsic_2(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* value2, PyObject* value1,
                         int64_t oparg);
PyObject* rt_make_function(PyThreadState* tstate, Frame* frame, PyObject* code);
void rt_set_function_attribute(PyObject* function, PyObject* value, int64_t oparg);
// Building and taking apart.
PyObject* rt_build_tuple(PyObject* const* args, int64_t count);
PyObject* rt_build_list(PyObject* const* args, int64_t count);
PyObject* rt_build_set(PyThreadState* tstate, int64_t borrowed, PyObject* const* args, int64_t count);
PyObject* rt_build_map(PyThreadState* tstate, int64_t borrowed, PyObject* const* args, int64_t count);
PyObject* rt_build_const_key_map(PyThreadState* tstate, int64_t borrowed, PyObject* keys, PyObject* const* args,
                                 int64_t count);
PyObject* rt_build_string(PyObject* const* args, int64_t count);
PyObject* rt_build_slice(PyObject* start, PyObject* stop, PyObject* step);
PyObject* rt_new_collected();
void rt_trim_collected(PyObject* list);
int rt_list_append(PyObject* list, PyObject* value);
int rt_list_extend(PyThreadState* tstate, int64_t borrowed, PyObject* list, PyObject* iterable);
int rt_set_add(PyThreadState* tstate, int64_t borrowed, PyObject* set, PyObject* value);
int rt_set_update(PyThreadState* tstate, int64_t borrowed, PyObject* set, PyObject* iterable);
int rt_map_add(PyThreadState* tstate, PyObject* dict, PyObject* key, PyObject* value);
int rt_dict_update(PyThreadState* tstate, int64_t borrowed, PyObject* dict, PyObject* update);
int rt_dict_merge(PyThreadState* tstate, int64_t borrowed, PyObject* callable, PyObject* dict, PyObject* update);
int rt_unpack_sequence(PyThreadState* tstate, int64_t borrowed, PyObject* sequence, int64_t count, PyObject** outputs);
int rt_unpack_to_slots(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* sequence, int64_t word,
                       int64_t slots, int64_t moreSlots);
int rt_unpack_ex(PyThreadState* tstate, int64_t borrowed, PyObject* sequence, int64_t before, int64_t after,
                 PyObject** outputs);
PyObject* rt_convert_value(PyThreadState* tstate, int64_t borrowed, PyObject* value, int64_t oparg);
PyObject* rt_format_simple(PyThreadState* tstate, int64_t borrowed, PyObject* value);
PyObject* rt_format_with_spec(PyThreadState* tstate, int64_t borrowed, PyObject* value, PyObject* spec);
// Iteration.
PyObject* rt_get_iter(PyThreadState* tstate, int64_t borrowed, PyObject* iterable);
PyObject* rt_get_yield_from_iter(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* iterable);
PyObject* rt_get_len(PyThreadState* tstate, int64_t borrowed, PyObject* object);
int rt_for_iter(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs);
int rt_for_iter_list(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs);
int rt_for_iter_tuple(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs);
int rt_for_iter_range(PyThreadState* tstate, int64_t borrowed, PyObject* iterator, PyObject** outputs);
bool rt_range_next(PyObject* iterator, int64_t* result);
PyObject* rt_get_aiter(PyThreadState* tstate, int64_t borrowed, PyObject* object);
PyObject* rt_get_anext(PyThreadState* tstate, int64_t borrowed, PyObject* iterator);
PyObject* rt_get_awaitable(PyThreadState* tstate, int64_t borrowed, PyObject* iterable, int64_t oparg);
int rt_send(PyThreadState* tstate, Frame* frame, int64_t borrowed, PyObject* receiver, PyObject* value,
            PyObject** outputs);
// Pattern matching.
PyObject* rt_match_class(PyThreadState* tstate, int64_t borrowed, PyObject* subject, PyObject* type, PyObject* names,
                         int64_t count);
PyObject* rt_match_keys(PyThreadState* tstate, int64_t borrowed, PyObject* subject, PyObject* keys);
bool rt_match_mapping(PyObject* subject);
bool rt_match_sequence(PyObject* subject);
// Imports.
PyObject* rt_import_name(PyThreadState* tstate, Frame* frame, PyObject* name, PyObject* fromlist, PyObject* level);
PyObject* rt_import_from(PyThreadState* tstate, int64_t borrowed, PyObject* module, PyObject* name);
// Exceptions and with.
PyObject* rt_push_exc_info(PyThreadState* tstate, PyObject* exception);
PyObject* rt_catch_exception(PyThreadState* tstate, Frame* frame, int64_t offset);
void rt_pop_except(PyThreadState* tstate, PyObject* exception);
int rt_check_exc_match(PyThreadState* tstate, PyObject* exception, PyObject* type);
int rt_check_eg_match(PyThreadState* tstate, int64_t borrowed, PyObject* group, PyObject* type, PyObject** outputs);
int rt_raise_varargs(PyThreadState* tstate, int64_t borrowed, PyObject* exception, PyObject* cause);
int rt_reraise(PyThreadState* tstate, Frame* frame, PyObject* exception);
int rt_reraise_lasti(PyThreadState* tstate, Frame* frame, PyObject* exception, PyObject* lasti);
int rt_end_async_for(PyThreadState* tstate, PyObject* awaitable, PyObject* exception);
PyObject* rt_cleanup_throw(PyThreadState* tstate, PyObject* exception);
PyObject* rt_with_except_start(PyThreadState* tstate, int64_t borrowed, PyObject* exit, PyObject* exception);
PyObject* rt_before_with(PyThreadState* tstate, int64_t borrowed, PyObject* manager, PyObject** outputs);
PyObject* rt_before_async_with(PyThreadState* tstate, int64_t borrowed, PyObject* manager, PyObject** outputs);

// Out-of-line halves of inline helpers; defined in cold.cpp, never in bitcode.
// Results come in registers rather than through pointers, which would force the callers' outputs into memory.
struct ColdInt {
  int64_t value;
  int64_t good;
};
struct ColdItem {
  PyObject* item;
  int64_t status;  ///< 1, 0 at the end, or -1
};
struct ColdPair {  ///< NULLs on failure
  PyObject* first;
  PyObject* second;
};
ColdInt rt_cold_unbox_int(PyObject* object);
PyObject* rt_cold_box_int(int64_t value);    // does not return without memory
PyObject* rt_cold_box_float(double value);   // does not return without memory
PyObject* rt_cold_make_int(int64_t value);   // NULL without memory
PyObject* rt_cold_make_float(double value);  // NULL without memory
ColdInt rt_cold_len(PyObject* object);
ColdInt rt_cold_is_instance(PyObject* object, PyObject* type);
PyObject* rt_cold_list_pop(PyObject* list, int64_t index);
PyObject* rt_cold_str_item(PyObject* text, int64_t index);
PyObject* rt_cold_chr(int64_t value);
PyObject* rt_cold_format(PyObject* object);
int64_t rt_cold_str_order(PyObject* a, PyObject* b);
int rt_cold_to_bool(PyThreadState* tstate, int64_t borrowed, PyObject* object);
ColdItem rt_cold_for_iter(PyThreadState* tstate, int64_t borrowed, PyObject* iterator);
PyObject* rt_cold_unbound_deref(PyThreadState* tstate, Frame* frame, int64_t slot);
PyObject* rt_cold_call_len(PyThreadState* tstate, int64_t borrowed, PyObject* object);
PyObject* rt_cold_call_isinstance(PyThreadState* tstate, int64_t borrowed, PyObject* object, PyObject* type);
ColdPair rt_cold_load_method(PyThreadState* tstate, int64_t borrowed, PyObject* owner, PyObject* name,
                             SiteCache* cache);
ColdPair rt_cold_unpack_pair(PyThreadState* tstate, int64_t borrowed, PyObject* sequence);
int rt_cold_unpack_sequence(PyThreadState* tstate, int64_t borrowed, PyObject* sequence, int64_t count,
                            PyObject** outputs);
PyObject* rt_cold_subscr_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index);
int rt_cold_store_subscr_i64(PyThreadState* tstate, int64_t borrowed, PyObject* container, int64_t index,
                             PyObject* value);
/// Notes that a subscript without a fast path met a container that has one. False if it did so often.
bool rt_cold_is_learned_property(const SiteCache* cache);
bool rt_cold_learn_operands(SiteCache* cache, PyObject* container, PyObject* key, int64_t use);
int rt_cold_list_grow(PyObject* list, PyObject* value);
bool rt_cold_list_store_float(PyObject** place, double value);
}

namespace martlet::vm {
/// tuple() of an exact generator, without a hint for its length: there is none.
PyObject* tupleOfGenerator(PyThreadState* tstate, PyObject* generator);
}  // namespace martlet::vm
