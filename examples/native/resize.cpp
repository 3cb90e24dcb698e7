#include "resize.h"

#include <algorithm>
#include <cmath>

namespace portrait {
namespace {

// What one pixel of the result is made of: the pixels from `first` on, with these weights.
struct Taps {
    int first;
    std::vector<float> weights;
};

std::vector<Taps> taps(int from, int to) {
    std::vector<Taps> all;
    const double scale = double(from) / to;
    for (int i = 0; i < to; ++i) {
        Taps tap;
        if (scale >= 1) {  // the area's mean: pixels count by how much of them lies in [begin, end)
            const double begin = i * scale, end = std::min((i + 1) * scale, double(from));
            tap.first = int(begin);
            for (int j = tap.first; j < from && j < end - 1e-9; ++j)
                tap.weights.push_back(float((std::min<double>(j + 1, end) - std::max<double>(j, begin)) / (end - begin)));
        } else {  // bilinear: between the two pixels whose centres lie beside this one's
            const double centre = std::clamp((i + 0.5) * scale - 0.5, 0.0, from - 1.0);
            tap.first = std::min(int(centre), std::max(0, from - 2));
            tap.weights = {float(1 - (centre - tap.first))};
            if (from > 1) tap.weights.push_back(float(centre - tap.first));
        }
        all.push_back(tap);
    }
    return all;
}

uint8_t put(float value, uint8_t) { return uint8_t(std::floor(std::clamp(value, 0.0f, 255.0f) + 0.5f)); }
float put(float value, float) { return value; }

template <typename T>
std::vector<T> step(const T* pixels, int height, int width, int channels, int new_height, int new_width) {
    const std::vector<Taps> across = taps(width, new_width), down = taps(height, new_height);
    std::vector<float> narrow(size_t(height) * new_width * channels, 0.0f);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < new_width; ++x)
            for (size_t k = 0; k < across[x].weights.size(); ++k)
                for (int c = 0; c < channels; ++c)
                    narrow[(size_t(y) * new_width + x) * channels + c] +=
                        across[x].weights[k] * pixels[(size_t(y) * width + across[x].first + k) * channels + c];

    const size_t row = size_t(new_width) * channels;
    std::vector<T> made(new_height * row);
    std::vector<float> sum(row);
    for (int y = 0; y < new_height; ++y) {
        std::fill(sum.begin(), sum.end(), 0.0f);
        for (size_t k = 0; k < down[y].weights.size(); ++k)
            for (size_t x = 0; x < row; ++x) sum[x] += down[y].weights[k] * narrow[(down[y].first + k) * row + x];
        for (size_t x = 0; x < row; ++x) made[y * row + x] = put(sum[x], T());
    }
    return made;
}

template <typename T>
std::vector<T> steps(const T* pixels, int height, int width, int channels, int new_height, int new_width) {
    std::vector<T> now;
    const auto go = [&](int to_height, int to_width) {
        if (to_height == height && to_width == width) return;
        now = step(pixels, height, width, channels, to_height, to_width);
        pixels = now.data(), height = to_height, width = to_width;
    };
    while (height % 2 == 0 && width % 2 == 0 && height >= 4 * new_height && width >= 4 * new_width)
        go(height / 2, width / 2);
    go(std::min(height, new_height), std::min(width, new_width));  // what shrinks
    go(new_height, new_width);                                     // what grows
    return now.empty() ? std::vector<T>(pixels, pixels + size_t(height) * width * channels) : now;
}

}  // namespace

std::vector<uint8_t> resize(const uint8_t* pixels, int height, int width, int channels, int new_height, int new_width) {
    return steps(pixels, height, width, channels, new_height, new_width);
}

std::vector<float> resize(const float* pixels, int height, int width, int channels, int new_height, int new_width) {
    return steps(pixels, height, width, channels, new_height, new_width);
}

}  // namespace portrait
