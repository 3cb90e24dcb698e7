# The target `ncnn`: an installed one (-Dncnn_DIR=..., as in ncnn's own packages for Android and iOS), or else
# built from the source that its Python package is made of, of the version that the exporter was tested with.
find_package(ncnn QUIET)
if(ncnn_FOUND)
    return()
endif()

include(FetchContent)
FetchContent_Declare(
    ncnn
    URL ncnn-1.0.20261020.tar.gz
    URL_HASH SHA256=ad8cdd63e9755cfa8e23b9b6d9ce46156077d80298a89e7c3ba325ffccfca200
    DOWNLOAD_EXTRACT_TIMESTAMP FALSE
    SOURCE_SUBDIR only-fetched) # a folder that it has not: its switches come first
FetchContent_MakeAvailable(ncnn)

# Neither tools nor a GPU, no pictures or operating system's bitmaps, and no arithmetic below float32, which
# would move the mask (see docs/export.md).
foreach(switch VULKAN PIXEL PIXEL_ROTATE PIXEL_AFFINE PIXEL_DRAWING PLATFORM_API C_API BUILD_TOOLS BUILD_EXAMPLES
               BUILD_BENCHMARK INSTALL_SDK INT8 WEIGHT_QUANT BF16 ARM82 ARM82DOT ARM82FP16FML ARM84BF16 ARM84I8MM
               ARM86SVE ARM86SVE2 ARM86SVEBF16 ARM86SVEI8MM ARM86SVEF32MM)
    set(NCNN_${switch} OFF)
endforeach()
set(NCNN_DISABLE_RTTI OFF)
set(NCNN_DISABLE_EXCEPTION OFF)
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW) # what is set here holds against option() there
set(CMAKE_WARN_DEPRECATED OFF CACHE BOOL "" FORCE)

if(PORTRAIT_PARAM)
    # Its layers, and those which these make for themselves.
    set(wanted cast clip convolution convolutiondepthwise crop flatten hardswish innerproduct mish packing padding
               relu sigmoid)
    file(STRINGS "${PORTRAIT_PARAM}" lines REGEX "^[A-Z][A-Za-z0-9]* ")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE " .*" "" layer "${line}")
        string(TOLOWER "${layer}" layer)
        list(APPEND wanted ${layer})
    endforeach()
    file(STRINGS "${ncnn_SOURCE_DIR}/src/CMakeLists.txt" lines REGEX "^ncnn_add_layer\\(")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^ncnn_add_layer\\(([A-Za-z0-9]*).*" "\\1" layer "${line}")
        string(TOLOWER "${layer}" layer)
        if(NOT layer IN_LIST wanted)
            set(WITH_LAYER_${layer} OFF)
        endif()
    endforeach()
endif()

add_subdirectory("${ncnn_SOURCE_DIR}" "${ncnn_BINARY_DIR}" EXCLUDE_FROM_ALL)
