"""Films: frames with their exact times out of video files, animations and folders, and back with everything beside them.

FFmpeg, inside PyAV, decodes and encodes; Pillow does so for animated pictures. Nothing here knows a network.
"""
