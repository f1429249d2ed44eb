// Compiled once for all tests of this folder.
#include "../worlds.hpp"
