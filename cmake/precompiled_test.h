// The same for the test programs.
#include <gtest/gtest.h>

#include "precompiled.h"
