// Pictures in files, for the program alone: an app has its frames from the camera.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct Picture {
    int height = 0, width = 0, channels = 0;  // 1: grey, 3: RGB
    std::vector<uint8_t> pixels;              // interleaved rows
};

// PNG of 8 bits a channel without interlacing (an alpha channel is dropped), PPM (P6) or PGM (P5). Throws
// std::runtime_error where the file is none of these or broken.
Picture read_picture(const std::string& path);

// A grey picture, as PNG where `path` ends in .png, else as PGM. Throws std::runtime_error where it cannot.
void write_grey(const std::string& path, const Picture& picture);
