#include "kselftest_harness.h"
TEST(x) {}
TEST_HARNESS_MAIN
