// The resize rule of portrait.json: the area's mean where a side shrinks, bilinear with half-pixel centres where
// it grows. The picture's outer edges stay where they are, so that a mask lies exactly over its frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace portrait {

// `pixels`: rows of `channels` interleaved values, height x width -> new_height x new_width. 8-bit values are
// rounded after every step, as fastportrait's transform.py does it: what comes out is the same to 1 in 255.
std::vector<uint8_t> resize(const uint8_t* pixels, int height, int width, int channels, int new_height, int new_width);
std::vector<float> resize(const float* pixels, int height, int width, int channels, int new_height, int new_width);

}  // namespace portrait
