// SPDX-License-Identifier: MIT
// The precompiled header of martlet_llvm.so: only LLVM headers that nearly every file here includes anyway.
#pragma once
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
