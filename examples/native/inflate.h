// The compression inside PNG files (zlib, RFC 1950 and 1951).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

uint32_t adler32(const std::vector<uint8_t>& data);

// Throws std::runtime_error where `data` is not what zlib writes, or its checksum is wrong. No more than `most`
// bytes come out.
std::vector<uint8_t> inflate(const std::vector<uint8_t>& data, size_t most);

// What inflate reads, stored without compression.
std::vector<uint8_t> store(const std::vector<uint8_t>& data);
