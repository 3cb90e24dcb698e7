// The test vectors of a portrait.json: whether this build gives the masks that PyTorch gives.
#pragma once

#include <string>

// Prints a line for each vector; true where all agree. Throws std::runtime_error where a vector cannot be read.
bool check(const std::string& description, int threads);
